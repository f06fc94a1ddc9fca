package store

import "os"

// DataDirForTest is where the store's line.json is.
func DataDirForTest(s *Store) string { return s.opt.DataDir }

// LineWritesForTest is how many times line.json was written.
func LineWritesForTest(s *Store) int64 { return s.serials.file.writes.Load() }

// ChildPidForTest is the managed child's process id; 0 where none of ours runs.
func ChildPidForTest(s *Store) int {
	if s.child.ended() != nil {
		return 0
	}
	s.child.mu.Lock()
	defer s.child.mu.Unlock()
	if s.child.server == nil {
		return 0
	}
	return s.child.server.Pid()
}

// KillChildForTest kills the managed child.
func KillChildForTest(s *Store) {
	s.child.mu.Lock()
	server := s.child.server
	s.child.mu.Unlock()
	if server != nil {
		server.Signal(os.Kill)
		<-server.Done()
	}
}

// SocketForTest is the managed child's socket.
func SocketForTest(s *Store) string { return s.child.socket }
