//! Turns the files of `target/site` into a table of constants for `src/site.rs`.

#![expect(clippy::disallowed_macros, reason = "cargo reads the output of build scripts")]
#![expect(clippy::disallowed_methods, reason = "cargo passes its settings in the environment")]

use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let site = env::var_os("OFFHOOK_SITE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/site"), PathBuf::from);
    // An empty folder rather than none: cargo would rerun this script every time for a missing path.
    fs::create_dir_all(&site)?;
    let site = site.canonicalize()?;
    println!("cargo::rerun-if-changed={}", site.display());
    println!("cargo::rerun-if-env-changed=OFFHOOK_SITE");

    let mut files = Vec::new();
    walk(&site, &mut files)?;
    files.sort();
    let mut table = String::from("static FILES: &[File] = &[\n");
    for file in files {
        write_entry(&mut table, &site, &file)?;
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("site.rs"), table)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if mime(&path).is_some() {
            files.push(path);
        }
    }
    Ok(())
}

fn write_entry(table: &mut String, site: &Path, file: &Path) -> io::Result<()> {
    let path = format!("/{}", file.strip_prefix(site).unwrap_or(file).display());
    let mut hasher = std::hash::DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    // Weak, because one tag identifies the plain and the compressed bodies.
    let etag = format!("W/\"{:016x}\"", hasher.finish());
    let compressed = |ending: &str| {
        let path = PathBuf::from(format!("{}.{ending}", file.display()));
        if path.exists() { format!("Some(include_bytes!({path:?}))") } else { "None".into() }
    };
    let (mime, brotli, gzip) = (mime(file).unwrap_or_default(), compressed("br"), compressed("gz"));
    writeln!(
        table,
        "    File {{ path: {path:?}, mime: {mime:?}, etag: {etag:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},"
    )
    .map_err(io::Error::other)
}

/// The media type by ending; a file with any other ending (compressed copies, notes) has no entry.
fn mime(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}
