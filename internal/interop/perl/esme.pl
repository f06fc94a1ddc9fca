# A stranger's ESME: Net::SMPP binds as a transceiver.
# perl -I. esme.pl PORT SYSTEM_ID PASSWORD [CA]
# It speaks the lines of internal/e2e/node/esme.js.
use strict;
use warnings;
use lib '.';
use Peer;

my ($port, $system_id, $password, $ca) = @ARGV;
my $smpp = Net::SMPP->new_connect('127.0.0.1', port => $port, async => 1) or die "connect: $!\n";
$smpp = Net::SMPP::TLS::over($smpp, SSL_ca_file => $ca, SSL_verifycn_name => '127.0.0.1', SSL_verifycn_scheme => 'http') if $ca;
$smpp->bind_transceiver(system_id => $system_id, password => $password, system_type => '');
my %answered;

sub submit {
    my ($cmd) = @_;
    my $coding = Peer::coding($cmd->{text});
    my $number = 0;
    for my $part (Peer::parts($cmd->{text}, $cmd->{part}, $coding)) {
        $number++;
        my $seq = $smpp->submit_sm(
            source_addr_ton => 3, source_addr => $cmd->{from},
            dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $cmd->{to},
            esm_class => $cmd->{part} ? 0x40 : 0, registered_delivery => 1, data_coding => $coding, short_message => $part,
        );
        my $of = $number;
        $answered{$seq} = sub {
            Peer::tell_event(event => 'resp', id => $cmd->{id}, part => $of, status => $_[0]{status}, message => $_[0]{message_id} // '');
        };
    }
}

my %handle = (
    Net::SMPP::CMD_bind_transceiver_resp() => sub {
        my ($pdu) = @_;
        die "bind refused: $pdu->{status}\n" if $pdu->{status};
        Peer::tell_event(event => 'bound');
    },
    Net::SMPP::CMD_enquire_link() => sub { $smpp->enquire_link_resp(seq => $_[0]{seq}) },
    Net::SMPP::CMD_submit_sm_resp() => sub {
        my $then = delete $answered{ $_[0]{seq} };
        $then->($_[0]) if $then;
    },
    Net::SMPP::CMD_unbind_resp() => sub {
        Peer::tell_event(event => 'unbind');
        exit 0;
    },
    Net::SMPP::CMD_deliver_sm() => sub {
        my ($pdu) = @_;
        $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
        if ($pdu->{esm_class} & 0x04) {
            my ($id, $state) = $pdu->{short_message} =~ /^id:(\S+) .* stat:(\w+) /;
            ($id) = $pdu->{receipted_message_id} =~ /^([^\0]*)/ if defined $pdu->{receipted_message_id};
            $state = $pdu->{message_state} eq "\2" ? 'DELIVRD' : 'other' if defined $pdu->{message_state};
            Peer::tell_event(event => 'receipt', message => $id, text => $state, coding => length $pdu->{short_message} ? 1 : 0);
            return;
        }
        my $sms = Peer::join_parts($pdu, $pdu->{source_addr}, '') or return;
        Peer::tell_event(
            event => 'sms', from => $pdu->{source_addr}, to => $pdu->{destination_addr}, coding => $pdu->{data_coding},
            text => $sms->{text}, segments => $sms->{segments},
        );
    },
);

sub readable {
    my $pdu = $smpp->read_pdu or die "the connection ended\n";
    my $do = $handle{ $pdu->{cmd} };
    return $do->($pdu) if $do;
    Peer::tell_event(event => 'error', text => "command $pdu->{cmd}");
}

# It takes its leave where its input ends.
sub leave {
    $smpp->unbind;
    readable() while 1;
}

Peer::serve(sockets => sub { ($smpp) }, readable => \&readable, command => \&submit, end => \&leave);
