package argdata

import "go.yaml.in/yaml/v3"

// attributes reads the mapping behind a tag, and calls set for each attribute with the
// nodes of its name and value. It returns the nodes of the names. first and all are
// for messages: the attribute that must be there, and all that there are.
func (b *builder) attributes(n *yaml.Node, tag, first, all string,
	set func(name string, key, n *yaml.Node, v Value) error) (map[string]*yaml.Node, error) {
	if n.Kind != yaml.MappingNode {
		return nil, b.errorf(n, "%s is followed by %s: write a mapping with the attribute %s after it",
			tag, kindName(n), first)
	}
	given := make(map[string]*yaml.Node)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := b.build(n.Content[i])
		if err != nil {
			return nil, err
		}
		text, ok := key.v.(String)
		if !ok {
			return nil, b.errorf(n.Content[i], "attributes of %s are named by strings: write %s", tag, all)
		}
		name := string(text)
		if given[name] != nil {
			return nil, b.errorf(n.Content[i], "the attribute %s is given twice: remove one of the two", name)
		}
		given[name] = n.Content[i]
		value, err := b.build(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		if err := set(name, n.Content[i], n.Content[i+1], value.v); err != nil {
			return nil, err
		}
	}
	return given, nil
}
