package AmiGO::Xrefs;

=head1 NAME

AmiGO::Xrefs - where other databases show a record

=cut

use strict;
use warnings;
use utf8;
use JSON::XS ();
use URI::Escape ();
use AmiGO;

=head2 new($core)

The table that the installation wrote beside the CGI programs.

=cut

sub new {
    my ($class, $core) = @_;
    my $path = $core->amigo_env('AMIGO_DYNAMIC_PATH') . '/xrefs.json';
    return bless { by_prefix => JSON::XS->new->utf8->decode(AmiGO::read_text($path)) }, $class;
}

=head2 url($id)

The address for an identifier such as UniProtKB:P04637; undef when its prefix
is not known.

=cut

sub url {
    my ($self, $id) = @_;
    my ($prefix, $local) = split /:/, $id, 2;
    return if !defined $local;
    my $syntax = $self->{by_prefix}{ lc $prefix }{url_syntax} or return;
    my $safe = URI::Escape::uri_escape_utf8($local);
    $syntax =~ s/\[example_id\]/$safe/;
    return $syntax;
}

1;
