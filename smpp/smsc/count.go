package smsc

import "aduan/smpp"

// What is counted besides PDUs by their command.
const (
	CountBind  = smpp.CmdBindTransceiver     // binds that came, of any kind
	CountBound = smpp.CmdBindTransceiverResp // binds that were accepted
)

// Count is how many such PDUs came from ESMEs (deliver_sm: went to them); CountBind and CountBound are over all kinds.
func (s *Server) Count(id smpp.CommandID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[id]
}
