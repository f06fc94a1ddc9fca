package staffapi

// Tells reports whether a problem may name a location.
func Tells(location string) bool { _, ok := locations[location]; return ok }
