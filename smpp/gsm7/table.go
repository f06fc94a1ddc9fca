package gsm7

// Escape is the septet that announces one of the extension table.
const Escape = 0x1B

// undefined marks a place of the extension table without a character. U+0000
// is no character of the alphabet, so it can stand for that.
const undefined = rune(0)

// basic is the default alphabet (23.038 §6.2.1); place 0x1B is the escape.
var basic = [128]rune{
	'@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
	'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', undefined, 'Æ', 'æ', 'ß', 'É',
	' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	'¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
	'¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
}

// extension is what follows an escape (23.038 §6.2.1.1).
var extension = [128]rune{
	0x0A: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2F: '\\',
	0x3C: '[', 0x3D: '~', 0x3E: ']', 0x40: '|', 0x65: '€',
}

// A code is a septet and whether an escape goes before it; ok where the rune
// is of the alphabet.
type code struct {
	septet  byte
	escaped bool
	ok      bool
}

// latin and greek are the inverse tables: all of the alphabet lies below
// U+0100 or in U+0390–U+03AF, but for the euro sign.
var latin, greek = inverse()

const (
	greekFirst = 0x390
	greekLast  = 0x3AF
)

func inverse() (latin [256]code, greek [greekLast - greekFirst + 1]code) {
	put := func(r rune, c code) {
		switch {
		case r < 256:
			latin[r] = c
		case r >= greekFirst && r <= greekLast:
			greek[r-greekFirst] = c
		}
	}
	for i := range 128 {
		if r := extension[i]; r != undefined {
			put(r, code{byte(i), true, true})
		}
		if r := basic[i]; r != undefined {
			put(r, code{byte(i), false, true})
		}
	}
	return latin, greek
}

func lookup(r rune) code {
	switch {
	case r >= 0 && r < 256:
		return latin[r]
	case r >= greekFirst && r <= greekLast:
		return greek[r-greekFirst]
	case r == '€':
		return code{0x65, true, true}
	}
	return code{}
}
