package AmiGO::WebApp;

=head1 NAME

AmiGO::WebApp - what every page of the sample site has: settings, frame, errors

=cut

use strict;
use warnings;
use utf8;
use parent 'CGI::Application';
use CGI::Application::Plugin::TT;
use Encode ();
use AmiGO;
use AmiGO::GOlr;

sub cgiapp_init {
    my $self = shift;
    my $core = AmiGO->new;
    $self->param(core => $core);
    $self->error_mode('fatal');
    $self->header_props(-charset => 'utf-8');
    $self->tt_config(TEMPLATE_OPTIONS => {
        INCLUDE_PATH => $core->amigo_env('AMIGO_ROOT') . '/templates/html/bs3',
        ENCODING     => 'utf8',
    });
    return;
}

sub core { return shift->param('core') }

=head2 golr()

A client of this instance's GOlr.

=cut

sub golr {
    my $self = shift;
    return AmiGO::GOlr->new($self->core->amigo_env('AMIGO_PUBLIC_GOLR_URL'), $self->configuration);
}

sub configuration {
    my $self = shift;
    my $known = $self->param('configuration');
    $self->param(configuration => $known = $self->core->golr_configuration) if !$known;
    return $known;
}

=head2 input($name)

What the visitor sent under a name: text, without space around it.

=cut

sub input {
    my ($self, $name) = @_;
    my $value = $self->query->param($name);
    return '' if !defined $value;
    $value = Encode::decode('UTF-8', $value);
    $value =~ s/^\s+|\s+$//g;
    return $value;
}

=head2 page($name, $title, \%values)

The whole HTML of a page, as bytes.

=cut

sub page {
    my ($self, $name, $title, $values) = @_;
    my $html = $self->tt_process('common/frame.tmpl', {
        $self->frame,
        page         => "pages/$name.tmpl",
        page_name    => $name,
        page_title   => $title,
        %{ $values || {} },
    });
    return Encode::encode('UTF-8', $$html);
}

sub frame {
    my $self = shift;
    my $core = $self->core;
    my %set = map { $_->[0] => $core->amigo_env($_->[1]) } (
        [base => 'AMIGO_DYNAMIC_URL'],
        [css_dir => 'AMIGO_CSS_URL'],
        [image_dir => 'AMIGO_IMAGE_URL'],
        [js_dev_dir => 'AMIGO_JS_DEV_URL'],
        [version => 'AMIGO_VERSION'],
        [server_name => 'AMIGO_SERVER_NAME'],
        [last_load_date => 'GOLR_TIMESTAMP_LAST'],
        [data_doi => 'DATA_DOI_IN_USE'],
        [BETA => 'AMIGO_BETA'],
        [GOOGLE_ANALYTICS_ID => 'AMIGO_GOOGLE_ANALYTICS_ID'],
    );
    my $about = $self->configuration;
    my @searches = map { { id => $_, name => $about->{$_}{display_name} } } grep { $about->{$_} } $core->searches;
    return (%set, searches => \@searches);
}

=head2 not_found($what)

The page that says so, with its status.

=cut

sub not_found {
    my ($self, $what) = @_;
    $self->header_add(-status => '404 Not Found');
    return $self->page('not_found', 'AmiGO 2: Not Found', { what => $what });
}

=head2 fatal($error)

The page for what went wrong within; the log has the cause.

=cut

sub fatal {
    my ($self, $error) = @_;
    warn "amigo: $error";
    $self->header_add(-status => '500 Internal Server Error');
    return $self->page('error', 'AmiGO 2: Error');
}

1;
