# Runs AmiGO's CGI programs, as they are, in processes that stay.
use strict;
use warnings;
use Plack::App::URLMap;
use Plack::App::WrapCGI;

sub program { Plack::App::WrapCGI->new(script => "{{.ProgramDir}}/$_[0]")->to_app }

my $map = Plack::App::URLMap->new;

# What everybody opens is loaded before the workers part, and so only once;
# the rest when it is asked for.
$map->map('/amigo' => program('amigo'));
for my $name (qw({{range .Programs}}{{if ne . "amigo"}} {{.}}{{end}}{{end}} )) {
    my $app;
    $map->map("/$name" => sub { ($app ||= program($name))->(@_) });
}
{{- if .Apart}}

# The data may be exchanged while this runs, and then AmiGO is told of the others.
my ($app, $told) = ($map->to_app, '');
sub {
    my $current = readlink('{{.DataCurrent}}') // '';
    AmiGOImage::tell() if $current ne $told && defined &AmiGOImage::tell;
    $told = $current;
    return $app->(@_);
};
{{- else}}
$map->to_app;
{{- end}}
