#!/usr/bin/perl
# Takes the place of llama-server in a test: knows its backends, is healthy, and logs nothing that the proof is read from.
use strict;
use warnings;
use IO::Socket::INET;

my ($list) = map { $ARGV[ $_ + 1 ] } grep { $ARGV[$_] eq '--rpc' } 0 .. $#ARGV;
if (grep { $_ eq '--list-devices' } @ARGV) {
    print "  RPC0: $list (1 MiB, 1 MiB free)\n";
    exit 0;
}
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die "no socket: $!";
while (my $client = $server->accept) {
    my $line = <$client>;
    print $client "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"ok\"}\n";
    close $client;
}
