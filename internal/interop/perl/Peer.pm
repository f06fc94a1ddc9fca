# What the Perl peers share: lines of JSON on standard input and output, texts in their alphabets, and long SMS.
package Peer;
use strict;
use warnings;
use Encode qw(decode encode);
use Encode::GSM0338;
use Errno;
use IO::Select;
use JSON::PP;
use Net::SMPP;

# Net::SMPP over TLS: a socket that is both.
package Net::SMPP::TLS {
    our @ISA;

    sub over {
        my ($sock, %with) = @_;
        require IO::Socket::SSL;
        @ISA = ('IO::Socket::SSL', 'Net::SMPP');
        return Net::SMPP::TLS->start_SSL($sock, %with) // die "TLS: $IO::Socket::SSL::SSL_ERROR\n";
    }
}

my $json = JSON::PP->new->utf8->canonical;

sub tell_event {
    my %event = @_;
    syswrite STDOUT, $json->encode(\%event) . "\n";
}

# octets gives a text as the alphabet of data_coding writes it: 0 is GSM 7-bit, an octet a letter; 8 is UCS-2.
sub octets {
    my ($text, $coding) = @_;
    return encode($coding == 8 ? 'UTF-16BE' : 'gsm0338', $text);
}

sub text {
    my ($octets, $coding) = @_;
    return decode($coding == 8 ? 'UTF-16BE' : 'gsm0338', $octets);
}

# coding chooses: what GSM 7-bit cannot write is UCS-2.
sub coding {
    my ($text) = @_;
    my $copy = $text;
    return eval { encode('gsm0338', $copy, Encode::FB_CROAK); 1 } ? 0 : 8;
}

my $reference = 0;

# parts cuts a text into what goes into short_message: one, or several of $part characters behind a header.
sub parts {
    my ($text, $part, $coding) = @_;
    return (octets($text, $coding)) if !$part;
    my @texts = $text =~ /(.{1,$part})/gs;
    $reference = ($reference + 1) & 0xff;
    my $n = 0;
    return map { pack('C6', 5, 0, 3, $reference, scalar @texts, ++$n) . octets($_, $coding) } @texts;
}

my %partial;

# join_parts gives a whole SMS { text, segments, ids }, or nothing while parts are missing.
sub join_parts {
    my ($pdu, $from, $id) = @_;
    my $octets = $pdu->{short_message};
    $octets = $pdu->{message_payload} // '' if $octets eq '';
    my $coding = $pdu->{data_coding};
    if (!($pdu->{esm_class} & 0x40)) {
        return { text => text($octets, $coding), segments => 1, ids => [$id] };
    }
    my $size = unpack 'C', $octets;
    my ($ie, $length, $ref, $total, $number) = unpack 'x C5', $octets;
    my $body = text(substr($octets, 1 + $size), $coding);
    return { text => $body, segments => 1, ids => [$id] } if $ie != 0 || $length != 3;
    my $group = $partial{"$from/$ref"} //= { texts => [], ids => [] };
    $group->{texts}[$number - 1] = $body;
    $group->{ids}[$number - 1] = $id;
    return if grep({ defined } @{ $group->{texts} }) < $total;
    delete $partial{"$from/$ref"};
    return { text => join('', @{ $group->{texts} }), segments => $total, ids => $group->{ids} };
}

# serve hands commands and what the sockets have to their handlers until one dies or standard input ends.
# handlers: command => sub { hash }, readable => sub { socket }, sockets => sub { list }, end => sub
sub serve {
    my %on = @_;
    my $input = '';
    while (1) {
        my @sockets = $on{sockets}->();
        my $select = IO::Select->new(\*STDIN, @sockets);
        # What TLS has read and not given yet shows on no socket.
        my @ready = grep { $_->can('pending') && $_->pending } @sockets;
        @ready = $select->can_read if !@ready;
        for my $handle (@ready) {
            if (fileno($handle) != fileno(STDIN)) {
                $on{readable}->($handle);
                next;
            }
            my $n = sysread STDIN, $input, 65536, length $input;
            return $on{end}->() if !$n;
            while ($input =~ s/^(.*)\n//) {
                $on{command}->($json->decode($1));
            }
        }
    }
}

1;
