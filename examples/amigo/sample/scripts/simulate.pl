#!/usr/bin/perl
# Runs one CGI program as a web server would, for looking at a page by hand:
#   scripts/simulate.pl amigo /search/ontology q=death
# Program, path below it, query.
use strict;
use warnings;
use Cwd qw(getcwd);

my ($program, $path, $query) = @ARGV;
die "usage: scripts/simulate.pl PROGRAM [PATH [QUERY]]\n" if !$program;
my $bin = getcwd() . '/perl/bin';
-x "$bin/$program" or die "no program $bin/$program\n";

%ENV = (
    %ENV,
    REQUEST_METHOD  => 'GET',
    SCRIPT_NAME     => "/$program",
    PATH_INFO       => defined $path ? $path : '',
    QUERY_STRING    => defined $query ? $query : '',
    SERVER_NAME     => 'localhost',
    SERVER_PORT     => 80,
    SERVER_PROTOCOL => 'HTTP/1.1',
);
exec $^X, "-I$bin", "$bin/$program" or die "cannot run $program: $!\n";
