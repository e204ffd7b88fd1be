//! The software bill of materials that `make build` writes.

use std::{fs, process::Command};

use crate::{
    crates::dependencies,
    source::{none, root},
};

fn bill() -> String {
    let output = Command::new("node").arg(".make/sbom.mjs").current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_bill_of_materials_lists_every_crate_that_is_shipped_and_none_of_the_tests() {
    let bill = bill();
    let lists = |name: &str| bill.contains(&format!("\"purl\": \"pkg:cargo/{name}@"));
    let manifests = ["app", "app/domain", "app/islands", "server", "server/engine"];
    let mut complaints = Vec::new();
    for path in manifests.map(|folder| format!("{folder}/Cargo.toml")) {
        let manifest = fs::read_to_string(root().join(&path)).unwrap();
        for (line, name) in dependencies(&manifest).into_iter().filter(|(_, name)| *name != "webpki") {
            if !lists(name) {
                complaints.push(format!("{path}:{line}: the bill of materials lacks {name}"));
            }
        }
    }
    none(complaints);
    assert!(lists("rustls-webpki"), "a renamed crate has the name that it was published under");
    assert!(bill.contains("\"name\": \"sqlite\"") && bill.contains("pkg:npm/%40fontsource-variable/"));
    for name in ["tempfile", "proptest", "rcgen", "bench", "tidy"] {
        assert!(!lists(name), "{name} is not shipped");
    }
}
