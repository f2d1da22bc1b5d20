# Runs AmiGO's CGI programs, as they are, in processes that stay.
use strict;
use warnings;
use Plack::App::URLMap;
use Plack::App::WrapCGI;

sub program { Plack::App::WrapCGI->new(script => "/srv/amigo/perl/bin/$_[0]")->to_app }

my $map = Plack::App::URLMap->new;

# What everybody opens is loaded before the workers part, and so only once;
# the rest when it is asked for.
$map->map('/amigo' => program('amigo'));
for my $name (qw( visualize grebe )) {
    my $app;
    $map->map("/$name" => sub { ($app ||= program($name))->(@_) });
}

# The data may be exchanged while this runs, and then AmiGO is told of the others.
my ($app, $told) = ($map->to_app, '');
sub {
    my $current = readlink('/srv/golr/current') // '';
    AmiGOImage::tell() if $current ne $told && defined &AmiGOImage::tell;
    $told = $current;
    return $app->(@_);
};
