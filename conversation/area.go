package conversation

import "strings"

// Sighting is a complaint as the line counts it: many of one category and
// place within an hour are a surge.
type Sighting struct {
	Category string   // "": none was guessed
	Places   []string // areas that the text names: "kec beji"
	New      bool     // it was filed by this step; else its place became known
}

// maxPlaces bounds the areas counted of one text.
const maxPlaces = 4

// sight notes what a text tells of a complaint's place.
func (st *step) sight(t *Ticket, filed bool) {
	if t.Kind != Complaint {
		return
	}
	if places := st.ts.places(); filed || len(places) > 0 {
		st.fx.Sighted = append(st.fx.Sighted, Sighting{Category: t.Category, Places: places, New: filed})
	}
}

// places returns the areas that a text names: an area's word and the name
// behind it, of which a second word counts only if it is written as the first.
func (ts *tokens) places() []string {
	var found []string
	for i := 0; i+1 < len(ts.all) && len(found) < maxPlaces; i++ {
		as, first := ts.all[i].known.area, &ts.all[i+1]
		if as == "" || first.digits || first.class != 0 || first.known.ordinary || first.known.area != "" {
			continue
		}
		name := as + " " + first.word
		if i+2 < len(ts.all) {
			next := &ts.all[i+2]
			if first.title && next.title && !next.digits && len(next.known.marks) == 0 && next.known.area == "" {
				name += " " + next.word
			}
		}
		found = append(found, name)
	}
	return found
}

// areasFile reads which words stand before the name of an area.
func (l *loader) areasFile(n *node) {
	n.each(func(as string, v node) {
		as = strings.Join(fold(as), " ")
		v.list(func(word string, at place) {
			for _, f := range fold(word) {
				if had, ok := l.w.areas[f]; ok && had != as {
					l.problem(at, "keep it for one area", "%q means %s already", word, had)
				}
				l.w.areas[f] = as
			}
		})
	})
}
