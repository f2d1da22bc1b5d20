package AmiGO::WebApp::VisualizeServer;

=head1 NAME

AmiGO::WebApp::VisualizeServer - a picture of a term's ancestors, as SVG

=cut

use strict;
use warnings;
use utf8;
use parent 'AmiGO::WebApp';
use AmiGO::Graph;

my ($WIDTH, $HEIGHT, $GAP_X, $GAP_Y) = (190, 46, 24, 44);

sub setup {
    my $self = shift;
    $self->mode_param('mode');
    $self->start_mode('status');
    $self->run_modes(status => 'status', amigo => 'picture', AUTOLOAD => 'status');
    return;
}

sub status { return shift->page('visualize', 'AmiGO 2: Visualize') }

sub picture {
    my $self = shift;
    my $id = $self->input('term_data');
    my $term = $self->golr->document($id);
    return $self->not_found("The term $id") if !$term || !$term->{topology_graph_json};
    $self->header_props(-type => 'image/svg+xml', -charset => 'utf-8');
    my $svg = $self->tt_process('common/graph.tmpl', layout(AmiGO::Graph->new($term->{topology_graph_json}), $id));
    return Encode::encode('UTF-8', $$svg);
}

# layout gives every term a box in a row, and every step a line.
sub layout {
    my ($graph, $id) = @_;
    my $rows = $graph->levels($id);
    my ($most) = sort { $b <=> $a } map { scalar @$_ } @$rows;
    my $width = $most * ($WIDTH + $GAP_X) + $GAP_X;
    my %box;
    for my $y (0 .. $#$rows) {
        my $row = $rows->[$y];
        my $left = ($width - @$row * ($WIDTH + $GAP_X) + $GAP_X) / 2;
        for my $x (0 .. $#$row) {
            $box{ $row->[$x] } = box($graph, $row->[$x], $left + $x * ($WIDTH + $GAP_X), $GAP_Y / 2 + $y * ($HEIGHT + $GAP_Y));
        }
    }
    $box{$id}{here} = 1;
    return {
        width  => $width,
        height => @$rows * ($HEIGHT + $GAP_Y),
        boxes  => [map { $box{$_} } sort keys %box],
        lines  => [map { line($box{ $_->{sub} }, $box{ $_->{obj} }, $_->{pred}) } $graph->edges],
    };
}

sub box {
    my ($graph, $id, $x, $y) = @_;
    my $label = $graph->label($id);
    $label = substr($label, 0, 26) . "\x{2026}" if length $label > 28;
    return { id => $id, label => $label, x => $x, y => $y, width => $WIDTH, height => $HEIGHT };
}

sub line {
    my ($from, $to, $relation) = @_;
    return {
        x1 => $from->{x} + $WIDTH / 2, y1 => $from->{y},
        x2 => $to->{x} + $WIDTH / 2,   y2 => $to->{y} + $HEIGHT,
        relation => $relation,
    };
}

1;
