package talk

import (
	"fmt"
	"strings"

	"aduan/conversation"
)

// fill puts ticket numbers into a text: {$a} {digits $a} {spaced $a} {dotted
// $a} {mistype $a} {swap $a} {unknown}.
func (p *player) fill(text string) (string, error) {
	if p.literal {
		return text, nil
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		inside, after, ok := strings.Cut(rest, "}")
		if !ok {
			return "", fmt.Errorf("%q: a { without its }", text)
		}
		v, err := p.dress(inside)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		text = after
	}
}

func (p *player) dress(what string) (string, error) {
	if what == "unknown" {
		return p.unknown().String(), nil
	}
	dress, name, ok := strings.Cut(what, " ")
	if !ok {
		dress, name = "", what
	}
	n, known := p.names[name]
	if !known {
		return "", fmt.Errorf("{%s}: no ticket is called %s yet", what, name)
	}
	d := n.Digits()
	switch dress {
	case "":
		return n.String(), nil
	case "digits":
		return d, nil
	case "spaced":
		return strings.ReplaceAll(n.String(), "-", " "), nil
	case "dotted":
		return strings.ReplaceAll(n.String(), "-", "."), nil
	case "mistype":
		b := []byte(d)
		b[2] = '0' + (b[2]-'0'+1)%10
		return string(b), nil
	case "swap":
		b := []byte(d)
		for i := 0; i+1 < len(b); i++ {
			if b[i] != b[i+1] {
				b[i], b[i+1] = b[i+1], b[i]
				return string(b), nil
			}
		}
		return "", fmt.Errorf("{%s}: all digits are alike", what)
	default:
		return "", fmt.Errorf("{%s}: no such dress", what)
	}
}

// unknown is a right number that was never given.
func (p *player) unknown() conversation.Number {
	shard := 7
	for _, n := range p.names {
		shard = n.Shard()
	}
	return conversation.NewNumber(shard, 98765)
}
