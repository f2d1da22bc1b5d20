package AmiGO::Graph;

=head1 NAME

AmiGO::Graph - a term's graph, as GOlr keeps it in its documents

=cut

use strict;
use warnings;
use utf8;
use JSON::XS ();

=head2 new($json)

The graph of {"nodes":[{"id","lbl"}],"edges":[{"sub","obj","pred"}]}.

=cut

sub new {
    my ($class, $json) = @_;
    my $graph = JSON::XS->new->decode($json || '{}');
    my %label = map { $_->{id} => $_->{lbl} } @{ $graph->{nodes} || [] };
    return bless { label => \%label, edges => $graph->{edges} || [] }, $class;
}

=head2 parents($id), children($id)

The neighbours of a term, by label: {id, label, relation}.

=cut

sub parents  { my ($self, $id) = @_; return $self->neighbors($id, 'sub', 'obj') }
sub children { my ($self, $id) = @_; return $self->neighbors($id, 'obj', 'sub') }

sub neighbors {
    my ($self, $id, $from, $to) = @_;
    my @found = map { { id => $_->{$to}, label => $self->{label}{ $_->{$to} }, relation => relation($_->{pred}) } }
        grep { $_->{$from} eq $id } @{ $self->{edges} };
    return [sort { $a->{label} cmp $b->{label} || $a->{relation} cmp $b->{relation} } @found];
}

sub relation {
    my $name = shift;
    $name =~ tr/_/ /;
    return $name;
}

=head2 levels($id)

The term and its ancestors in rows, the roots first; a term stands below all
that it leads to.

=cut

sub levels {
    my ($self, $id) = @_;
    my %depth;
    $self->depth($id, \%depth, {});
    my @rows;
    push @{ $rows[$depth{$_}] }, $_ for sort keys %depth;
    return \@rows;
}

sub depth {
    my ($self, $id, $depth, $open) = @_;
    return $depth->{$id} if exists $depth->{$id};
    local $open->{$id} = 1;
    my $deepest = -1;
    for my $parent (map { $_->{id} } @{ $self->parents($id) }) {
        next if $open->{$parent};
        my $above = $self->depth($parent, $depth, $open);
        $deepest = $above if $above > $deepest;
    }
    return $depth->{$id} = $deepest + 1;
}

=head2 label($id), edges()

=cut

sub label { my ($self, $id) = @_; return $self->{label}{$id} }
sub edges { return @{ shift->{edges} } }

1;
