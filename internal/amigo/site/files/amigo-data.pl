#!/usr/bin/perl
# Exchanges the data of this machine while it runs: fetches those that a repository has
# published, opens them beside the ones that are served, tries them, and switches.
use strict;
use warnings;
use Fcntl qw(:flock);
use File::Basename qw(basename);
use JSON qw(decode_json);
use POSIX qw(strftime);

my $usage = <<'END';
usage: amigo-data COMMAND

  list           what is on this machine, and what the repository has
  fetch [NAME]   fetch the data of a version, or of the channel's newest one
  use NAME       serve other data from now on; NAME is a version or a release's date
  back           serve what was served before
  update         fetch the channel's newest data, and use them if they are new
  remove NAME    remove data that are not served
  status         which data are served

Say where the repository is in /etc/default/amigo-data:

  REPOSITORY=https://images.example.org
  CHANNEL=stable
  KEY=RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3   # of its minisign.pub

Exit status: 0 done, 1 failed, and the old data are served, 2 wrong usage.
END

my $settings = '/etc/default/amigo-data';
my $home     = '/srv/golr';                # where data are mounted
my $store    = '/var/lib/amigo-data';      # where they are kept
my $reserve  = 512 * 2**20;                # bytes that stay free there
my $solr     = 'http://127.0.0.1:8080/solr';

# shown is a text without what a terminal would obey: some come from a repository.
sub shown { return $_[0] =~ s/[^\x20-\x7e]/?/gr }

# say_that tells a person; fail ends with what went wrong.
sub say_that { print shown($_[0]) . "\n" }
sub fail { print STDERR 'amigo-data: ' . shown($_[0]) . "\n"; exit 1 }

# run runs a program and fails with its name if it fails.
sub run {
    system { $_[0] } @_;
    return if $? == 0;
    fail("$_[0] failed" . ($? & 127 ? " (signal " . ($? & 127) . ")" : ''));
}

# output returns what a program prints, or undef if it fails.
sub output {
    open(my $pipe, '-|', @_) or return undef;
    local $/;
    my $text = <$pipe>;
    return close($pipe) ? $text // '' : undef;
}

sub content {
    my ($path) = @_;
    open(my $file, '<', $path) or return undef;
    local $/;
    return scalar <$file>;
}

# --- what is here ---

# release reads what data say of themselves.
sub release {
    my ($dir) = @_;
    my %says = map { /^(\w+)\t(.*)$/ ? ($1, $2) : () } split /\n/, content("$dir/release") // '';
    return \%says;
}

# serving returns the name of what is served: that of data that were fetched, or "attached".
sub serving { return basename(readlink("$home/current") // fail("$home/current is not a link")) }

sub place { my ($name) = @_; return $name eq 'attached' ? "$home/attached" : "$home/releases/$name" }

# fetched are the names of data that were fetched, the newest first.
sub fetched { return reverse sort map { basename($_, '.raw') } glob("$store/*.raw") }

# mounted makes sure that data can be read, and returns where.
sub mounted {
    my ($name) = @_;
    my $at = place($name);
    return $at if -f "$at/release";
    fail("the disk with the data is not attached") if $name eq 'attached';
    run('mkdir', '-p', $at);
    run('mount', '-o', 'loop,ro,nodev,nosuid,noexec', '-t', 'ext4', "$store/$name.raw", $at);
    return $at;
}

# named finds data by a version or a release's date.
sub named {
    my ($wanted) = @_;
    my @all = fetched();
    push @all, 'attached' if -f "$home/attached/release";
    for my $name (@all) {
        return $name if $name eq $wanted;
    }
    for my $name (@all) {
        return $name if (release(mounted($name))->{DATE} // '') eq $wanted;
    }
    fail("there are no data $wanted here (amigo-data list shows what there is)");
}

# --- the repository ---

my %set;

sub configure {
    for my $line (split /\n/, content($settings) // '') {
        $set{$1} = $2 if $line =~ /^\s*(REPOSITORY|CHANNEL|KEY)\s*=\s*["']?([^\s"'#]+)/;
    }
    for my $name (qw(REPOSITORY CHANNEL KEY)) {
        fail("$name is not set in $settings (amigo-data without a command shows an example)") unless $set{$name};
    }
    fail("REPOSITORY in $settings is no https or http address") unless $set{REPOSITORY} =~ m{^https?://[^\s]+$};
    $set{REPOSITORY} =~ s{/+$}{};
}

# get fetches a small file.
sub get {
    my ($path) = @_;
    my $text = output('curl', '-fsSL', '--retry', '3', '--max-time', '120', '--max-filesize', '64000000', '--', "$set{REPOSITORY}/$path");
    return $text // fail("$set{REPOSITORY}/$path cannot be fetched");
}

# version_name refuses names that are paths.
sub version_name {
    my ($name) = @_;
    return $1 if defined $name && $name =~ /^([0-9][A-Za-z0-9._+-]{0,63})$/ && $name !~ /\.\./;
    fail('the repository names a version ' . (defined $name ? "\"$name\"" : 'without a name') . ', which is no name of one');
}

# sums returns the checksums of a version's files, whose signature is right.
sub sums {
    my ($version) = @_;
    my $dir = "$store/fetch";
    run('mkdir', '-p', '-m', '700', $dir);
    for my $name ('SHA256SUMS', 'SHA256SUMS.minisig') {
        open(my $file, '>', "$dir/$name") or fail("$dir/$name: $!");
        print $file get("versions/$version/$name");
        close($file) or fail("$dir/$name: $!");
    }
    fail('minisign is not installed (sudo apt install minisign)') unless -x '/usr/bin/minisign';
    my $said = output('minisign', '-VQm', "$dir/SHA256SUMS", '-P', $set{KEY});
    fail("the signature of version $version is not by the key in $settings") unless defined $said;
    my ($shown) = $said =~ /(.{0,60})/;
    fail("the checksums are not those of version $version, but \"$shown\"") unless $said =~ /^\S+ \Q$version\E, built /;
    return { map { /^([0-9a-f]{64})  (\S+)$/ ? ($2, $1) : () } split /\n/, content("$dir/SHA256SUMS") };
}

sub sha256 { my ($path) = @_; return (output('sha256sum', '--', $path) // '') =~ /^\\?([0-9a-f]{64})/ ? $1 : '' }

# offered returns what a version has for data: the version that brought them, and the file.
sub offered {
    my ($version) = @_;
    my $sums = sums($version);
    my $text = get("versions/$version/manifest.json");
    open(my $digest, '|-', "sha256sum >$store/fetch/digest") or fail("sha256sum: $!");
    print $digest $text;
    close($digest);
    fail("manifest.json of version $version is not what was signed")
        unless (content("$store/fetch/digest") // '') =~ /^\Q$sums->{'manifest.json'}\E /;
    my $manifest = eval { decode_json($text) } // fail("manifest.json of version $version is no JSON");
    my ($image) = grep { $_->{variant} eq 'data' } @{ $manifest->{images} };
    fail("version $version has its data in the image of the system") unless $image;
    my $holder = version_name($image->{in} || $version);
    my $name = $image->{files}{chunks} // '';
    my ($file) = grep { $_->{name} eq $name } @{ $manifest->{files} };
    fail("version $version names a file \"$name\"") unless $name =~ /^[A-Za-z0-9][A-Za-z0-9._+-]*$/ && $file;
    return {
        version => $holder, file => $name, size => $file->{size}, sha256 => $file->{sha256},
        disk => $image->{disk}{size}, raw => $image->{disk}{sha256}, golr => $manifest->{golr},
    };
}

# newest is the version that the channel is at.
sub newest {
    my $catalog = eval { decode_json(get('channels.json')) } // fail('channels.json of the repository is no JSON');
    my ($channel) = grep { $_->{channel} eq $set{CHANNEL} } @{ $catalog->{channels} };
    return version_name(($channel // fail("the repository has no channel $set{CHANNEL}"))->{version});
}

# attached tells whether the attached disk has data of the same release.
sub attached {
    my ($golr) = @_;
    my $has = release("$home/attached");
    return 0 unless $golr->{date} && ($has->{DATE} // '') eq $golr->{date};
    return ($has->{DOCUMENTS} // -1) == $golr->{documents} && ($has->{SCHEMA} // '') eq ($golr->{schema} // '');
}

# free is how many bytes fit where data are kept.
sub free { return (output('df', '--block-size=1', '--output=avail', $store) // '') =~ /(\d+)\s*$/ ? $1 : 0 }

# download brings a file of a size, and goes on as long as something of it comes.
sub download {
    my ($url, $part, $size) = @_;
    my $tries = 0;
    while ((-s $part // 0) < $size) {
        my $before = -s $part // 0;
        # A server that sends more than that fills no disk.
        my $limit = int($size / 512) + 2;
        system('sh', '-c', 'ulimit -f "$1"; shift; exec "$@"', 'sh', $limit, 'curl', '-fsSL', '--connect-timeout', 30,
            '--speed-limit', 1000, '--speed-time', 60, '-C', '-', '-o', $part, '--', $url);
        my $status = $? >> 8;
        return if $? == 0;
        unlink $part if $status == 33; # it cannot go on in the middle
        $tries = (-s $part // 0) > $before ? 0 : $tries + 1;
        fail("$url cannot be fetched (curl ended with status $status); what came is kept") if $tries >= 5;
        sleep 5 * $tries;
    }
}

# fetch brings the data of a version here, and returns their name.
sub fetch {
    my ($wanted) = @_;
    configure();
    my $data = offered(defined $wanted ? version_name($wanted) : newest());
    my $name = $data->{version};
    if (-f "$store/$name.raw") {
        say_that("the data of $name are here");
        return $name;
    }
    if (attached($data->{golr})) {
        say_that("the data of $name are those on the attached disk");
        return 'attached';
    }
    my $part = "$store/fetch/$data->{file}";
    unlink grep { $_ ne $part } glob("$store/*.new $store/fetch/*"); # of what was broken off
    my $need = $data->{size} - (-s $part // 0) + $data->{disk} * 1.02 + $reserve;
    fail(sprintf('the data take %.1f GiB on %s until they are here, and %.1f GiB are free', $need / 2**30, $store, free() / 2**30)) if free() < $need;
    say_that(sprintf('fetching the data of %s, %.1f MiB', $name, $data->{size} / 2**20));
    download("$set{REPOSITORY}/versions/$name/$data->{file}", $part, $data->{size});
    if (sha256($part) ne $data->{sha256}) {
        unlink $part;
        fail("what came is not what was signed; it is removed");
    }
    run('zstd', '-dqf', '--sparse', '-o', "$store/$name.new", '--', $part);
    if (sha256("$store/$name.new") ne $data->{raw}) {
        unlink "$store/$name.new";
        fail("the disk is not what was signed; it is removed");
    }
    run('e2label', "$store/$name.new", 'amigo-fetched'); # the attached disk alone is found by its label
    run('sync', '--', "$store/$name.new");
    rename("$store/$name.new", "$store/$name.raw") or fail("$store/$name.raw: $!");
    run('sync', '--', $store);
    unlink $part;
    say_that("the data of $name are here");
    return $name;
}

# --- Solr ---

# ask asks Solr, and returns its answer or undef.
sub ask {
    my ($path) = @_;
    my $text = output('curl', '-fsS', '-g', '--max-time', '600', '--', "$solr/$path");
    return defined $text ? eval { decode_json($text) } : undef;
}

sub admin { my ($action, @more) = @_; return ask("admin/cores?wt=json&action=$action" . join('', map { "&$_" } @more)) }

# open_beside opens data in a core of their own, beside what is served.
sub open_beside {
    my ($at) = @_;
    admin('UNLOAD', 'core=beside') if beside() ne ''; # what an earlier exchange has left
    admin('CREATE', 'name=beside', 'instanceDir={{.SolrHome}}', "dataDir=$at") // fail('GOlr cannot open the data (journalctl -u jetty9 says why)');
}

# try_out searches in the data before anybody else does.
sub try_out {
    my ($core, $at) = @_;
    my $says = release($at);
    my $all = ask("$core/select?q=*:*&rows=0&wt=json") // fail('GOlr does not answer searches in the data');
    fail("GOlr finds $all->{response}{numFound} documents, and the data have $says->{DOCUMENTS}") if $all->{response}{numFound} != $says->{DOCUMENTS};
    my $term = (eval { decode_json(content("$at/about.json")) } // {})->{test}{term} or return;
    (my $escaped = $term) =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ge;
    my $found = ask("$core/select?q=%22$escaped%22&df=annotation_class&rows=1&wt=json") // fail("GOlr does not answer a search for $term");
    fail("GOlr does not find $term") unless $found->{response}{numFound};
}

# point lets the machine serve data from its next start on, and says what they are.
sub point {
    my ($name) = @_;
    my $to = $name eq 'attached' ? 'attached' : "releases/$name";
    unlink "$home/current.new";
    symlink($to, "$home/current.new") or fail("$home/current.new: $!");
    rename("$home/current.new", "$home/current") or fail("$home/current: $!");
    run('sync', '--', $home);
    run('sh', '{{.Share}}/data.sh');
}

# switch serves other data: one step for who searches.
sub switch {
    my ($name) = @_;
    my $before = serving();
    my $at = mounted($name);
    my ($has, $needs) = (release($at)->{SCHEMA} // '', content('{{.Share}}/schema') // '');
    chomp $needs;
    fail("the data of $name are for another version of AmiGO than this machine's") if $has ne $needs;
    if (!-f '{{.Ready}}') { # nothing is served: it is enough to say what shall be
        keep_before($before) if $before ne $name;
        point($name);
        run('systemctl', 'restart', 'jetty9');
        say_that("GOlr starts with the data of $name");
        return;
    }
    my $now = live();
    if ($now ne $at) {
        if (beside() ne $at) {
            open_beside($at);
            try_out('beside', $at);
        }
        admin('SWAP', 'core=golr', 'other=beside') // fail('GOlr does not switch');
    }
    keep_before($before) if $before ne $name; # first: who repeats what was killed would find $name itself
    point($name);
    say_that("served: $name, " . words($at));
}

# live and beside are where Solr has the data that it serves, and those that it has open too.
sub live   { return directory('golr') }
sub beside { return directory('beside') }

sub directory {
    my ($core) = @_;
    my $answer = admin('STATUS') // fail('GOlr does not answer');
    for my $name ($core, $core eq 'golr' ? '' : ()) {
        my $is = $answer->{status}{$name} or next;
        return ($is->{dataDir} // '') =~ s{/+$}{}r;
    }
    return '';
}

sub keep_before {
    my ($name) = @_;
    open(my $file, '>', "$store/before.new") or fail("$store/before.new: $!");
    print $file "$name\n";
    close($file) or fail("$store/before.new: $!");
    rename("$store/before.new", "$store/before") or fail("$store/before: $!");
}

# kind tells what data are. A release has a DOI.
sub kind {
    my ($says) = @_;
    return 'example data, not a GO release: do not cite' if ($says->{EXAMPLE} // '') eq 'yes';
    my $date = $says->{DATE} || 'an unknown date';
    return $says->{DOI} ? "GO release of $date" : "data of $date, no DOI";
}

sub words {
    my ($at) = @_;
    my $says = release($at);
    return kind($says) . ", $says->{DOCUMENTS} documents";
}

# discard removes data that were fetched.
sub discard {
    my ($name) = @_;
    my $at = place($name);
    if (-f '{{.Ready}}') {
        fail("$name is what GOlr serves: an exchange was broken off (amigo-data use " . serving() . ' ends it)') if live() eq $at;
        admin('UNLOAD', 'core=beside') if beside() eq $at;
    }
    run('umount', '--', $at) if -f "$at/release";
    unlink("$store/$name.raw") or fail("$store/$name.raw: $!");
    rmdir($at);
    say_that("removed: $name");
}

# --- commands ---

my %commands = (
    list => sub {
        my $serving = serving();
        for my $name ((-f "$home/attached/release" ? 'attached' : ()), fetched()) {
            say_that(sprintf('%-1s %-20s %s', $name eq $serving ? '*' : '', $name, words(mounted($name))));
        }
        return unless -s $settings;
        configure();
        my $data = offered(newest());
        say_that(sprintf('%s is at data of %s: %s documents, %.1f MiB to fetch%s',
            $set{CHANNEL}, $data->{version}, $data->{golr}{documents}, $data->{size} / 2**20, -f "$store/$data->{version}.raw" ? ', which are here' : ''));
    },
    fetch  => sub { fetch($_[0]) },
    use    => sub { switch(named($_[0] // usage())) },
    back   => sub {
        my $before = content("$store/before") // fail('nothing else was served before');
        chomp $before;
        switch(named($before));
    },
    update => sub {
        my $name = fetch();
        my $serving = serving();
        if ($name eq $serving) { say_that("$name is served already"); return }
        mounted($name);
        my ($offered, $served) = map { release(place($_))->{DATE} // '' } $name, $serving; # whose disk may be missing
        fail("the data of $name are of $offered, which is before those that are served (amigo-data use $name serves them all the same)")
            if $offered lt $served;
        switch($name);
        for my $old (fetched()) { # what was served before is enough to go back to
            discard($old) if $old ne $name && $old ne $serving;
        }
    },
    remove => sub {
        my $name = named($_[0] // usage());
        fail("$name is what is served") if $name eq serving();
        fail('the attached disk is not for this command') if $name eq 'attached';
        discard($name);
    },
    status => sub {
        my $name = serving();
        my $wrong = content('/run/amigo-data/wrong');
        fail('nothing is served: ' . $wrong =~ s/\n//r) if defined $wrong;
        say_that("served: $name, " . words(mounted($name)));
        fail('GOlr does not answer searches (systemctl status jetty9)') unless -f '{{.Ready}}';
        fail("GOlr serves other data than it should: an exchange was broken off (amigo-data use $name ends it)") if live() ne place($name);
        my $before = content("$store/before");
        say_that('before: ' . $before =~ s/\n//r) if defined $before;
    },
);

sub usage { print STDERR $usage; exit 2 }

my $command = shift(@ARGV) // '';
if ($command =~ /^(?:-h|--help|help)$/) { print $usage; exit 0 }
usage() if !$commands{$command} || @ARGV > 1;
fail('only root can do this (sudo amigo-data ...)') if $> != 0;
$ENV{PATH} = '/usr/sbin:/usr/bin:/sbin:/bin';
$ENV{LC_ALL} = 'C';
run('mkdir', '-p', '-m', '755', $store);
open(my $lock, '>', '/run/amigo-data.lock') or fail("/run/amigo-data.lock: $!");
flock($lock, LOCK_EX | LOCK_NB) or fail('another amigo-data is at work');
$commands{$command}->(@ARGV);
