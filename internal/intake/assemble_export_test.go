package intake

import (
	"encoding/json"

	"aduan/smpp"
	"aduan/smpp/segment"
	"aduan/store"
)

// Piece is a part of a long SMS as it came.
type Piece struct {
	Coding    byte
	UDH, Data []byte
	Link      string
}

// Assemble joins parts that were kept as the store keeps them.
func Assemble(total int, parts map[int]Piece, alphabet func(link string) string) (texts []string, gaps []int, readable bool, err error) {
	g := store.Group{Total: total, Parts: map[int][]byte{}}
	for n, p := range parts {
		if g.Parts[n], err = json.Marshal(piece{Coding: p.Coding, UDH: p.UDH, Data: p.Data, Link: p.Link}); err != nil {
			return nil, nil, false, err
		}
	}
	a, err := assemble(g, alphabet)
	return a.parts, a.gaps, a.readable, err
}

// Concat is which part of which long SMS a message is.
func Concat(m *smpp.Message) (segment.Concat, bool) { return concat(m) }
