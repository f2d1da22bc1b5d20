package AmiGO;

=head1 NAME

AmiGO - what all parts of the sample site share: settings and release facts

=cut

use strict;
use warnings;
use utf8;
use Encode ();
use JSON::XS ();

BEGIN { require "config.pl" if -f "config.pl" && !$ENV{AMIGO_ROOT} }

sub new { return bless {}, shift }

=head2 amigo_env($name)

The value of a setting, as text; empty when it is not set.

=cut

sub amigo_env {
    my (undef, $name) = @_;
    my $value = $ENV{$name};
    return defined $value ? Encode::decode('UTF-8', $value) : '';
}

=head2 get_root_terms()

The top terms of the ontologies: a reference to a list of {id, label}.

=cut

sub get_root_terms {
    return JSON::XS->new->utf8->decode($ENV{AMIGO_ROOT_TERMS} || '[]');
}

=head2 searches()

The identifiers of the searches that are offered, in order.

=cut

sub searches { return split ' ', $ENV{AMIGO_LAYOUT_SEARCH} || '' }

=head2 golr_configuration()

The description of GOlr's document types, by identifier: what the installation
made of metadata/*-config.yaml, read from the copy that the browser has too.

=cut

sub golr_configuration {
    my $self = shift;
    my $text = read_text($self->amigo_env('AMIGO_ROOT') . '/javascript/npm/amigo2-instance-data/lib/data/golr.js');
    my ($json) = $text =~ /^var golr = (\{.*^\});/ms or die "golr.js holds no configuration\n";
    return JSON::XS->new->utf8->decode($json);
}

=head2 golr_timestamp_log($path)

The loads that a log names, as a reference to a list of
{type, version, time, file}; undef without a log. A line is four values
between tabs.

=cut

sub golr_timestamp_log {
    my (undef, $path) = @_;
    return if !-f $path;
    my @loads;
    for my $line (split /\n/, read_text($path)) {
        my @value = split /\t/, $line;
        next if @value != 4;
        my %load;
        @load{qw(type version time file)} = @value;
        push @loads, \%load;
    }
    return \@loads;
}

=head2 read_doi($path)

The first DOI in a file; undef when it has none.

=cut

sub read_doi {
    my (undef, $path) = @_;
    return if !-f $path;
    my ($doi) = read_text($path) =~ m{\b(10\.\w+/[^\s"'&]*\w)};
    return $doi;
}

=head2 dynamic_dispatch_table_amigo()

Which path below /amigo leads to which page.

=cut

sub dynamic_dispatch_table_amigo {
    my %site = (app => 'AmiGO::WebApp::HTMLClient');
    return [
        ''                    => {%site},
        '/'                   => {%site},
        'landing'             => { %site, rm => 'landing' },
        'load_details'        => { %site, rm => 'load_details' },
        'search'              => { %site, rm => 'search' },
        'medial_search'       => { %site, rm => 'medial_search' },
        'search/:personality' => { %site, rm => 'search' },
        'term/:cls'           => { %site, rm => 'term' },
        'gene_product/:gp'    => { %site, rm => 'gene_product' },
        '*'                   => { %site, rm => 'not_found' },
    ];
}

=head2 read_text($path)

All bytes of a file.

=cut

sub read_text {
    my $path = shift;
    open my $in, '<', $path or die "cannot read $path: $!\n";
    local $/;
    return scalar <$in>;
}

1;
