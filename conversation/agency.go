package conversation

import (
	"slices"
	"strings"
)

// agencies is the tree of institutions: national ones with their units, and
// regions with their offices.
type agencies struct {
	national []agency
	offices  []agency // of every region
	regions  []region
	named    map[string][]named // by first word
}

// agency is an institution, or an office that every region has.
type agency struct {
	name  string
	units []string
}

// region is a province, a regency or a city.
type region struct {
	name     string // "Kabupaten Bantul"
	province int32  // its own index where it is one
	ordinary bool   // its name is an ordinary word as well
	level    uint8
}

// The levels of regions.
const (
	levelProvince uint8 = iota
	levelRegency
	levelCity
)

// named is a name that texts have.
type named struct {
	words  []string // folded
	region int32    // -1: none
	agency int32    // of national, or -1
	office int32    // of offices, or -1
}

// Institutions counts what is loaded: national institutions and regions are
// institutions; their units and offices are units.
func (w *Words) Institutions() (institutions, units int) {
	a := &w.agencies
	for i := range a.national {
		units += len(a.national[i].units)
	}
	return len(a.national) + len(a.regions), units + len(a.regions)*len(a.offices)
}

// mention is what a text names.
type mention struct{ region, agency, office int32 }

// mentioned finds the region and the institution that a text names: of
// regions the one of the longest name, a regency or city before a province.
func (a *agencies) mentioned(ts *tokens) mention {
	m := mention{-1, -1, -1}
	longest := 0
	for i := range ts.all {
		for k := range ts.all[i].known.named {
			n := &ts.all[i].known.named[k]
			if !ts.phrase(i, n.words) {
				continue
			}
			switch {
			case n.agency >= 0 && m.agency < 0:
				m.agency = n.agency
			case n.office >= 0 && m.office < 0:
				m.office = n.office
			case n.region >= 0:
				if size := a.fits(ts, i, n); size > longest {
					longest, m.region = size, n.region
				}
			}
		}
	}
	return m
}

// fits tells how well a region's name at token i fits, 0: not at all. The word
// before it says whether a regency or a city is meant.
func (a *agencies) fits(ts *tokens, i int, n *named) int {
	r := &a.regions[n.region]
	size := 4 * len(n.words)
	if r.level != levelProvince {
		size += 40
	}
	before := ""
	if i > 0 {
		before = ts.all[i-1].word
	}
	switch before {
	case "kab", "kabupaten", "regency":
		if r.level == levelRegency {
			return size + 2
		}
		return 0
	case "kota", "pemkot", "city":
		if r.level == levelCity {
			return size + 2
		}
		return 0
	}
	if r.ordinary {
		return 0
	}
	if r.level == levelCity { // "di Bandung" is the city rather than the regency around it
		size++
	}
	return size
}

// likely returns the region that a text names, and who is likely to care: the
// institution that it names, then the category's, offices as those of the region.
func (w *Words) likely(ts *tokens, category string) (in string, all []string) {
	a := &w.agencies
	m := a.mentioned(ts)
	if m.region >= 0 {
		in = a.regions[m.region].name
	}
	put := func(name string) {
		if name = a.in(name, m.region); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if m.agency >= 0 {
		put(a.national[m.agency].name)
	}
	if m.office >= 0 {
		put(a.offices[m.office].name)
	}
	for _, name := range w.guess.agencies[category] {
		put(name)
	}
	return in, all
}

// suggest returns the institution that is likeliest to care; "": none is.
func (w *Words) suggest(ts *tokens, category string) string {
	a := &w.agencies
	m := a.mentioned(ts)
	name := a.institution(m)
	if all := w.guess.agencies[category]; name == "" && len(all) > 0 {
		name = all[0]
	}
	return a.in(name, m.region)
}

// institution is the one that a text names; "": it names none.
func (a *agencies) institution(m mention) string {
	switch {
	case m.agency >= 0:
		return a.national[m.agency].name
	case m.office >= 0:
		return a.offices[m.office].name
	default:
		return ""
	}
}

// in returns an office as that of the region, which may be -1; another
// institution as it is.
func (a *agencies) in(name string, region int32) string {
	if region >= 0 && a.office(name) {
		return name + " " + a.regions[region].name
	}
	return name
}

func (a *agencies) office(name string) bool {
	return slices.ContainsFunc(a.offices, func(o agency) bool { return o.name == name })
}

// parted takes an office's region off; -1: it has none.
func (a *agencies) parted(name string) (office string, in int32) {
	for i := range a.offices {
		rest, ok := strings.CutPrefix(name, a.offices[i].name)
		if !ok {
			continue
		}
		if rest == "" {
			return name, -1
		}
		at := slices.IndexFunc(a.regions, func(r region) bool { return rest[0] == ' ' && rest[1:] == r.name })
		if at >= 0 {
			return a.offices[i].name, int32(at)
		}
	}
	return name, -1
}

// institutionQuestion is the question whose answer names who is meant.
const institutionQuestion = "institution"

// refine makes the suggested institution fit an answer: its region, unless
// that is only the province around the one known, and an institution that was
// asked for.
func (st *step) refine(t *Ticket, question string) {
	a := &st.w.agencies
	m := a.mentioned(&st.ts)
	name, region := a.parted(t.Likely)
	if asked := a.institution(m); asked != "" && question == institutionQuestion {
		name = asked
	}
	if m.region >= 0 && (region < 0 || a.regions[region].province != m.region) {
		region = m.region
	}
	t.Likely = a.in(name, region)
}

// calls tells whether the text names the institution, by any of its names.
func (a *agencies) calls(ts *tokens, institution string) bool {
	name, _ := a.parted(institution)
	words := fold(name)
	for i := range ts.all {
		if ts.phrase(i, words) {
			return true
		}
		for k := range ts.all[i].known.named {
			n := &ts.all[i].known.named[k]
			if n.region < 0 && ts.phrase(i, n.words) && a.institution(mention{-1, n.agency, n.office}) == name {
				return true
			}
		}
	}
	return false
}

// agenciesFile reads institutions.
func (l *loader) agenciesFile(n node) {
	n.known("agencies", "offices", "regions", "replace")
	a := &l.w.agencies
	if l.flag(n.get("replace")) {
		*a = agencies{}
	}
	n.get("agencies").each(func(name string, v node) {
		v.known("names", "units")
		g := agency{name: name}
		v.get("units").list(func(u string, _ place) { g.units = append(g.units, u) })
		id := int32(len(a.national))
		if i := slices.IndexFunc(a.national, func(had agency) bool { return had.name == name }); i >= 0 {
			id = int32(i)
			a.national[i].units = append(a.national[i].units, g.units...)
		} else {
			a.national = append(a.national, g)
		}
		a.name(name, named{region: -1, agency: id, office: -1})
		v.get("names").list(func(s string, _ place) { a.name(s, named{region: -1, agency: id, office: -1}) })
	})
	n.get("offices").each(func(name string, v node) {
		id := int32(slices.IndexFunc(a.offices, func(had agency) bool { return had.name == name }))
		if id < 0 {
			id = int32(len(a.offices))
			a.offices = append(a.offices, agency{name: name})
		}
		a.name(name, named{region: -1, agency: -1, office: id})
		v.list(func(s string, _ place) { a.name(s, named{region: -1, agency: -1, office: id}) })
	})
	n.get("regions").each(func(name string, v node) {
		v.known("regencies", "cities")
		province := int32(len(a.regions))
		a.region("Provinsi ", name, province, levelProvince)
		v.get("regencies").list(func(s string, _ place) { a.region("Kabupaten ", s, province, levelRegency) })
		v.get("cities").list(func(s string, _ place) { a.region("Kota ", s, province, levelCity) })
	})
}

func (a *agencies) region(kind, name string, province int32, level uint8) {
	bare, ordinary := strings.CutPrefix(name, "~")
	id := int32(len(a.regions))
	a.regions = append(a.regions, region{kind + bare, province, ordinary, level})
	a.name(bare, named{region: id, agency: -1, office: -1})
}

// name notes how texts name something.
func (a *agencies) name(text string, n named) {
	if n.words = fold(text); len(n.words) == 0 {
		return
	}
	if a.named == nil {
		a.named = map[string][]named{}
	}
	a.named[n.words[0]] = append(a.named[n.words[0]], n)
}

// checkAgencies complains of a category's agency that no file has.
func (l *loader) checkAgencies() {
	a := &l.w.agencies
	if len(a.national)+len(a.offices) == 0 {
		return
	}
	for _, category := range l.guess.categories {
		for _, r := range l.guess.agencies[category] {
			has := func(g agency) bool { return g.name == r.name || slices.Contains(g.units, r.name) }
			if !slices.ContainsFunc(a.national, has) && !slices.ContainsFunc(a.offices, has) {
				l.problem(r.at, "write it as agencies.yaml has it, or add it there", "category %s: no agency or office is called %q", category, r.name)
			}
		}
	}
}

// Institution is one of the line's own list.
type Institution struct {
	Name     string
	Superior string // a unit's institution, a regency's province; "": none
}

// InstitutionList gives the national institutions and the regions, in the files' order, without their units and offices.
func (w *Words) InstitutionList() []Institution {
	a := &w.agencies
	list := make([]Institution, 0, len(a.national)+len(a.regions))
	for i := range a.national {
		list = append(list, Institution{Name: a.national[i].name})
	}
	for i := range a.regions {
		list = append(list, Institution{Name: a.regions[i].name, Superior: a.above(int32(i))})
	}
	return list
}

// above is the name of the province around a region; "" for a province.
func (a *agencies) above(region int32) string {
	if p := a.regions[region].province; p != region {
		return a.regions[p].name
	}
	return ""
}

// Institution finds who has this name in the line's own list: an institution, one of its units, a region, or an office,
// bare or of a region ("Dinas PUPR Kabupaten Bantul").
func (w *Words) Institution(name string) (Institution, bool) {
	a := &w.agencies
	for i := range a.national {
		if a.national[i].name == name {
			return Institution{Name: name}, true
		}
		if slices.Contains(a.national[i].units, name) {
			return Institution{Name: name, Superior: a.national[i].name}, true
		}
	}
	for i := range a.regions {
		if a.regions[i].name == name {
			return Institution{Name: name, Superior: a.above(int32(i))}, true
		}
	}
	switch office, in := a.parted(name); {
	case in >= 0:
		return Institution{Name: name, Superior: a.regions[in].name}, true
	case a.office(office):
		return Institution{Name: name}, true
	}
	return Institution{}, false
}
