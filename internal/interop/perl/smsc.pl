# A stranger's SMSC: Net::SMPP as a server, with telephones that join what arrives.
# perl -I. smsc.pl PORT SYSTEM_ID PASSWORD text|tlvs [CERT KEY]
# It speaks the lines of internal/e2e/node/smsc.js.
use strict;
use warnings;
use lib '.';
use POSIX qw(strftime);
use Peer;

my ($port, $system_id, $password, $receipts, $cert, $key) = @ARGV;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => $port, async => 1) or die "listen: $!\n";
my ($session, @connections, @waiting, %answered);
my $message_id = 0x2b0;

Peer::tell_event(event => 'listening');

# send_text hands a telephone's text to the ESME.
sub send_text {
    my ($cmd) = @_;
    if (!$session) {
        push @waiting, $cmd;
        return;
    }
    my $coding = Peer::coding($cmd->{text});
    my $number = 0;
    for my $part (Peer::parts($cmd->{text}, $cmd->{part}, $coding)) {
        $number++;
        my $seq = $session->deliver_sm(
            source_addr_ton => 1, source_addr_npi => 1, source_addr => $cmd->{from},
            dest_addr_npi => 1, destination_addr => $cmd->{to},
            esm_class => $cmd->{part} ? 0x40 : 0, data_coding => $coding, short_message => $part,
        );
        my $of = $number;
        $answered{$seq} = sub { Peer::tell_event(event => 'resp', id => $cmd->{id}, part => $of, status => $_[0]) };
    }
}

sub receipt {
    my ($pdu, $id) = @_;
    my @story;
    if ($receipts eq 'tlvs') {
        @story = (short_message => '', receipted_message_id => "$id\0", message_state => pack('C', 2));
    } else {
        my $now = strftime('%y%m%d%H%M', gmtime);
        @story = (short_message => "id:$id sub:001 dlvrd:001 submit date:$now done date:$now stat:DELIVRD err:000 text:");
    }
    my $seq = $session->deliver_sm(
        esm_class => 4, source_addr_ton => 1, source_addr_npi => 1, source_addr => $pdu->{destination_addr},
        dest_addr_ton => $pdu->{source_addr_ton}, dest_addr_npi => $pdu->{source_addr_npi}, destination_addr => $pdu->{source_addr},
        @story,
    );
    $answered{$seq} = sub { Peer::tell_event(event => 'receipt', message => $id, status => $_[0]) };
}

my %handle = (
    Net::SMPP::CMD_bind_transceiver() => sub {
        my ($s, $pdu) = @_;
        if ($pdu->{system_id} ne $system_id || $pdu->{password} ne $password) {
            $s->bind_transceiver_resp(seq => $pdu->{seq}, status => 0x0E, system_id => 'stranger');
            return;
        }
        $s->bind_transceiver_resp(seq => $pdu->{seq}, system_id => 'stranger');
        $session = $s;
        Peer::tell_event(event => 'bound', version => $pdu->{interface_version});
        send_text($_) for splice @waiting;
    },
    Net::SMPP::CMD_enquire_link() => sub { $_[0]->enquire_link_resp(seq => $_[1]{seq}) },
    Net::SMPP::CMD_unbind() => sub {
        Peer::tell_event(event => 'unbind');
        $_[0]->unbind_resp(seq => $_[1]{seq});
    },
    Net::SMPP::CMD_submit_sm() => sub {
        my ($s, $pdu) = @_;
        my $id = sprintf '%x', ++$message_id; # hexadecimal, as some write it
        $s->submit_sm_resp(seq => $pdu->{seq}, message_id => $id);
        my $sms = Peer::join_parts($pdu, $pdu->{destination_addr}, $id);
        Peer::tell_event(
            event => 'sms', from => $pdu->{source_addr}, to => $pdu->{destination_addr}, coding => $pdu->{data_coding},
            text => $sms->{text}, segments => $sms->{segments}, ids => $sms->{ids},
        ) if $sms;
        receipt($pdu, $id) if $pdu->{registered_delivery} & 1;
    },
    Net::SMPP::CMD_deliver_sm_resp() => sub {
        my $then = delete $answered{ $_[1]{seq} };
        $then->($_[1]{status}) if $then;
    },
);

sub readable {
    my ($s) = @_;
    if ($s == $listener) {
        my $c = $listener->accept or return;
        $c = Net::SMPP::TLS::over($c, SSL_server => 1, SSL_cert_file => $cert, SSL_key_file => $key) if $cert;
        push @connections, $c;
        return;
    }
    my $pdu;
    {
        local $SIG{__WARN__} = sub { }; # that a connection ended is no matter
        $pdu = $s->read_pdu;
    }
    if (!$pdu) {
        @connections = grep { $_ != $s } @connections;
        $session = undef if $session && $session == $s;
        Peer::tell_event(event => 'unbound');
        return $s->close;
    }
    my $do = $handle{ $pdu->{cmd} };
    return $do->($s, $pdu) if $do;
    Peer::tell_event(event => 'error', text => "command $pdu->{cmd}");
}

Peer::serve(sockets => sub { ($listener, @connections) }, readable => \&readable, command => \&send_text, end => sub { });
