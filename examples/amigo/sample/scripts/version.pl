#!/usr/bin/perl
# Prints the version of this sample, from package.json in the current folder.
use strict;
use warnings;
use JSON::XS ();

open my $in, '<', 'package.json' or die "run this in the sample's folder: cannot read package.json: $!\n";
local $/;
print JSON::XS->new->utf8->decode(<$in>)->{version}, "\n";
