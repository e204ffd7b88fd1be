//! What strangers send, against properties that hold for every input: first the files of `tests/corpus`, then random changes
//! of them. An ordinary run tries a few; `make faults` gives each test a minute (`BOLERO_RANDOM_TEST_TIME_MS`).
//!
//! An input that broke a property becomes a file of the corpus, or a plain test beside the code that was wrong.

mod addresses;
mod cursors;
mod filters;
mod payloads;
mod responses;
mod signatures;
mod urls;

use std::{fmt, fs, panic::RefUnwindSafe, path::Path};

use bolero::{TypeGenerator, ValueGenerator as _, produce};

/// Most changes of one input.
const EDITS_MAX: usize = 8;
/// Longest input in bytes: repetitions grow.
const INPUT_MAX_BYTES: usize = 64 * 1_024;

/// What parsers treat specially.
const TOKENS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    "=",
    "&",
    "?",
    "#",
    "%00",
    "%0a",
    "%",
    "+",
    "-",
    ".",
    "/",
    "//",
    "@",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\t",
    " ",
    "\0",
    "\u{a0}",
    "\u{feff}",
    "\u{200b}",
    "\u{ff0e}",
    "é",
    "\u{1f4de}",
    "0x7f",
    "0177",
    "1e400",
    "-0",
    "18446744073709551616",
    "null",
    "true",
    "\\u0000",
    "\\ud800",
    "\\u002e",
    "http:",
    "https:",
    "127.0.0.1",
    "[::ffff:10.0.0.1]",
    "localhost",
    "content-length: 5\r\n",
    "transfer-encoding: chunked\r\n",
    "content-encoding: gzip\r\n",
    "retry-after: 7\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "cursor=",
    "from=",
    "to=",
];

/// One change of an input. Positions and lengths count modulo what is there.
#[derive(Debug, Clone, Copy, TypeGenerator)]
enum Edit {
    Token(u16, u8),
    Byte(u16, u8),
    Overwrite(u16, u8),
    Remove(u16, u8),
    Repeat(u16, u8, u8),
    /// A part of another file of the corpus.
    Splice(u16, u8, u16, u8),
    Cut(u16),
}

/// An input, shown as text if a property fails.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// Checks every file of the folder of the corpus, and `runs` random changes of them.
fn inputs(folder: &str, runs: usize, check: impl Fn(&[u8]) + RefUnwindSafe) {
    let corpus = corpus(folder);
    for input in &corpus {
        check(&input.0);
    }
    let changed = (produce::<u8>(), produce::<Vec<Edit>>().with().len(1..=EDITS_MAX))
        .map_gen(|(which, edits): (u8, Vec<Edit>)| changed(&corpus, which, &edits));
    bolero::check!().with_generator(changed).with_iterations(runs).for_each(|input| check(&input.0));
}

/// The same for what is text.
fn texts(folder: &str, runs: usize, check: impl Fn(&str) + RefUnwindSafe) {
    inputs(folder, runs, |bytes| check(&String::from_utf8_lossy(bytes)));
}

fn corpus(folder: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| Input(fs::read(path).unwrap())).collect()
}

fn changed(corpus: &[Input], which: u8, edits: &[Edit]) -> Input {
    let of = |which: u8| &corpus[usize::from(which) % corpus.len()].0;
    let mut bytes = of(which).clone();
    for edit in edits {
        edit.apply(&mut bytes, of);
        bytes.truncate(INPUT_MAX_BYTES);
    }
    Input(bytes)
}

impl Edit {
    fn apply<'a>(self, bytes: &mut Vec<u8>, of: impl Fn(u8) -> &'a Vec<u8>) {
        let at = |at: u16| usize::from(at) % (bytes.len() + 1);
        let part = |from: u16, length: u8| at(from)..(at(from) + usize::from(length)).min(bytes.len());
        match self {
            Self::Token(to, token) => {
                let token = TOKENS[usize::from(token) % TOKENS.len()].bytes();
                bytes.splice(at(to)..at(to), token);
            }
            Self::Byte(to, byte) => bytes.insert(at(to), byte),
            Self::Overwrite(to, byte) => {
                bytes.splice(part(to, 1), [byte]);
            }
            Self::Remove(from, length) => {
                bytes.drain(part(from, length));
            }
            Self::Repeat(from, length, times) => {
                let (part, end) = (bytes[part(from, length)].repeat(usize::from(times)), part(from, length).end);
                bytes.splice(end..end, part);
            }
            Self::Splice(to, other, from, length) => {
                let other = of(other);
                let begin = usize::from(from) % (other.len() + 1);
                let end = (begin + usize::from(length)).min(other.len());
                bytes.splice(at(to)..at(to), other[begin..end].iter().copied());
            }
            Self::Cut(end) => bytes.truncate(at(end)),
        }
    }
}
