package AmiGO::GOlr;

=head1 NAME

AmiGO::GOlr - questions to GOlr, the Solr index

=cut

use strict;
use warnings;
use utf8;
use Encode ();
use JSON::XS ();
use LWP::UserAgent ();
use URI ();

=head2 new($url, $configuration)

A client of the GOlr at $url, which ends in a slash. $configuration is
AmiGO's golr_configuration.

=cut

sub new {
    my ($class, $url, $configuration) = @_;
    my $agent = LWP::UserAgent->new(timeout => 20);
    return bless { url => $url, configuration => $configuration || {}, agent => $agent }, $class;
}

=head2 search($personality, $text, %more)

The documents of one type that match $text, best first. %more has further
parameters of Solr. Returns {total, documents, facets}.

=cut

sub search {
    my ($self, $personality, $text, %more) = @_;
    my $about = $self->{configuration}{$personality} or die "no search is called $personality\n";
    my $sent = length $text
        ? { q => $text, defType => 'edismax', qf => weights($about), mm => '100%' }
        : { q => '*:*' };
    return $self->query({
        %$sent,
        %more,
        fq => [fixed(document_category => $about->{document_category}), @{ $more{fq} || [] }],
    });
}

=head2 document($id)

The document with this identifier; undef without one.

=cut

sub document {
    my ($self, $id) = @_;
    return $self->query({ q => fixed(id => $id), rows => 1 })->{documents}[0];
}

=head2 query(\%parameters)

What GOlr answers. Dies with one line when it does not answer, or not well.

=cut

sub query {
    my ($self, $parameters) = @_;
    my $uri = URI->new($self->{url} . 'select');
    $uri->query_form({ wt => 'json', encoded($parameters) });
    my $response = $self->{agent}->get($uri);
    die 'GOlr does not answer at ' . $self->{url} . ': ' . $response->status_line . "\n" if !$response->is_success;
    my $answer = JSON::XS->new->utf8->decode($response->content);
    return {
        total     => $answer->{response}{numFound},
        documents => $answer->{response}{docs},
        facets    => $answer->{facet_counts}{facet_fields} || {},
    };
}

=head2 fixed($field, $value)

A query for exactly this value of a field.

=cut

sub fixed {
    my ($field, $value) = @_;
    $value =~ s/(["\\])/\\$1/g;
    return qq($field:"$value");
}

=head2 weights($about)

The fields that a search looks at and what each counts, in Solr's notation. A
field that is made for searching is looked at by its words.

=cut

sub weights {
    my $about = shift;
    my %words = map { $_->{id} => 1 } grep { ($_->{searchable} || '') eq 'true' } @{ $about->{fields} };
    my @weights = map { [split /\^/] } split ' ', $about->{boost_weights};
    return join ' ', map { ($words{ $_->[0] } ? "$_->[0]_searchable" : $_->[0]) . "^$_->[1]" } @weights;
}

sub encoded {
    my $parameters = shift;
    return map { my $value = $parameters->{$_}; $_ => ref $value ? [map { bytes($_) } @$value] : bytes($value) }
        sort keys %$parameters;
}

sub bytes { return Encode::encode('UTF-8', shift) }

1;
