//! Names in emails. Users choose them, and mail programs turn what looks like an address into a link.

use domain::name::{is_unseen, is_word};

/// A name in quotes, for those who may see it anyway: without URLs.
pub(crate) fn to_member(name: &str) -> String {
    quoted(name.split_whitespace().filter(|word| !is_url(word)))
}

/// The same for anyone whose address the sender claims to know: nothing is left that could become a link.
pub(crate) fn to_stranger(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    let words = seen.split_whitespace().filter(|word| !is_url(word));
    let plain: Vec<String> = words.map(without_host).collect();
    quoted(plain.iter().flat_map(|words| words.split_whitespace()))
}

fn is_url(word: &str) -> bool {
    let word = word.to_lowercase();
    word.contains("://") || word.contains("www.") || word.contains("mailto:")
}

/// Characters of words that look like dots and colons.
const LIKE_DOTS: [char; 3] = ['\u{a4f8}', '\u{a4fa}', '\u{a4fd}'];

/// A word with punctuation inside, as host names and addresses have, as separate words. Unicode has many characters that look
/// like a dot or a slash, or are taken for one, so only what joins words in names stays.
fn without_host(word: &str) -> String {
    let is_plain = |c: char| (is_word(c) && !LIKE_DOTS.contains(&c)) || matches!(c, '-' | '\'' | '’' | '&' | '+');
    let inside = word.trim_matches(|c: char| !is_word(c));
    // A slash alone makes no address: A/S.
    if inside.chars().all(|c| is_plain(c) || c == '/') {
        return word.to_owned();
    }
    let plain: String = inside.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
    word.replacen(inside, &plain, 1)
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
            ("evil\u{2024}com", "“evil\u{2024}com”", "“evil com”"),
            ("evil\u{a4f8}com evil·com", "“evil\u{a4f8}com evil·com”", "“evil com evil com”"),
            ("evil.com\u{2215}pay", "“evil.com\u{2215}pay”", "“evil com pay”"),
            ("moc\u{202e}.live", "“moc\u{202e}.live”", "“moc live”"),
            ("tel:0190", "“tel:0190”", "“tel 0190”"),
            ("Mærsk A/S, O’Brien & Söhne", "“Mærsk A/S, O’Brien & Söhne”", "“Mærsk A/S, O’Brien & Söhne”"),
            ("हिन्दी 株式会社", "“हिन्दी 株式会社”", "“हिन्दी 株式会社”"),
        ] {
            assert_eq!((to_member(name).as_str(), to_stranger(name).as_str()), (member, stranger), "{name}");
        }
    }
}
