package conversation

// detect guesses the language of a citizen of whom nothing is known yet; a
// wrong guess costs one BAHASA.
func (st *step) detect() {
	const enough, words = 2, 3
	if st.s.Language != "" || len(st.ts.all) < words {
		return
	}
	counts := [8]int{}
	for i := range st.ts.all {
		lang := st.ts.all[i].known.language
		if lang == "" {
			continue
		}
		for j, l := range st.w.languages {
			if l == lang && j < len(counts) {
				counts[j]++
			}
		}
	}
	best, at, others := 0, -1, 0
	for j, n := range counts {
		if n > best {
			others, best, at = max(others, best), n, j
		} else {
			others = max(others, n)
		}
	}
	if best >= enough && best > 2*others {
		st.lang = st.w.languages[at]
		st.s.Language = st.lang
	}
}
