//! Names in emails. Users choose them, and mail programs turn what looks like an address into a link.

/// A name in quotes, for those who may see it anyway: without URLs.
pub(crate) fn to_member(name: &str) -> String {
    quoted(name.split_whitespace().filter(|word| !is_url(word)))
}

/// The same for anyone whose address the sender claims to know: nothing is left that could become a link.
pub(crate) fn to_stranger(name: &str) -> String {
    let words = name.split_whitespace().filter(|word| !is_url(word));
    let plain: Vec<String> = words.map(without_host).collect();
    quoted(plain.iter().flat_map(|words| words.split_whitespace()))
}

fn is_url(word: &str) -> bool {
    let word = word.to_lowercase();
    word.contains("://") || word.contains("www.") || word.contains("mailto:")
}

/// A word that contains a dot between two others, as host names do, as separate words.
fn without_host(word: &str) -> String {
    // IDNA takes the last three for dots as well (UTS #46).
    let is_dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    if word.trim_matches(|c: char| !c.is_alphanumeric()).contains(is_dot) {
        word.replace(|c: char| is_dot(c) || matches!(c, '/' | '@' | ':'), " ")
    } else {
        word.to_owned()
    }
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let name = words.collect::<Vec<_>>().join(" ").replace(['“', '”', '"'], "");
    let name = name.trim();
    format!("“{}”", if name.is_empty() { "no name" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_and_has_no_urls() {
        for (name, member, stranger) in [
            ("Acme  Inc.", "“Acme Inc.”", "“Acme Inc.”"),
            ("crm.acme.example", "“crm.acme.example”", "“crm acme example”"),
            ("Pay at https://evil.example/x now", "“Pay at now”", "“Pay at now”"),
            ("Pay at WWW.evil.example", "“Pay at”", "“Pay at”"),
            ("Pay at (evil.example/pay)", "“Pay at (evil.example/pay)”", "“Pay at (evil example pay)”"),
            ("Pay at evil\u{3002}example", "“Pay at evil\u{3002}example”", "“Pay at evil example”"),
            ("ask eve@evil.example:25", "“ask eve@evil.example:25”", "“ask eve evil example 25”"),
            ("Acme” now: “", "“Acme now:”", "“Acme now:”"),
            ("http://evil.example", "“no name”", "“no name”"),
        ] {
            assert_eq!((to_member(name).as_str(), to_stranger(name).as_str()), (member, stranger), "{name}");
        }
    }
}
