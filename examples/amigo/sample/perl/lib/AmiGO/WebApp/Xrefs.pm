package AmiGO::WebApp::Xrefs;

=head1 NAME

AmiGO::WebApp::Xrefs - from an identifier to the record in its database

=cut

use strict;
use warnings;
use utf8;
use parent 'AmiGO::WebApp';
use AmiGO::Xrefs;

sub setup {
    my $self = shift;
    $self->start_mode('forward');
    $self->run_modes(forward => 'forward', AUTOLOAD => 'forward');
    return;
}

sub forward {
    my $self = shift;
    my $id = join ':', $self->input('abbreviation') || (), $self->input('id') || ();
    my $url = AmiGO::Xrefs->new($self->core)->url($id) or return $self->not_found(qq(A database for "$id"));
    $self->header_type('redirect');
    $self->header_props(-url => $url, -status => '302 Found');
    return '';
}

1;
