package AmiGO::WebApp::Grebe;

=head1 NAME

AmiGO::WebApp::Grebe - ready-made questions

=cut

use strict;
use warnings;
use utf8;
use parent 'AmiGO::WebApp';
use YAML ();

sub setup {
    my $self = shift;
    $self->start_mode('questions');
    $self->run_modes(questions => 'questions', AUTOLOAD => 'questions');
    return;
}

sub questions {
    my $self = shift;
    my $file = $self->core->amigo_env('AMIGO_ROOT') . '/conf/grebe.yaml';
    return $self->page('grebe', 'AmiGO 2: Search Templates', {
        questions => YAML::LoadFile($file),
        script    => 'Grebe.js',
    });
}

1;
