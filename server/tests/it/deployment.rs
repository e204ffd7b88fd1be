//! The samples in `docs/deploy`.

use std::{path::PathBuf, process::Command};

/// Most exposure that the unit may have, in tenths of what `systemd-analyze security` reports.
const EXPOSURE_MAX_TENTHS: &str = "25";

fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy").join(name)
}

#[test]
fn the_unit_confines_the_server() {
    let unit = sample("offhook.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    for line in [
        "CapabilityBoundingSet=",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "PrivateUsers=true",
        "MemoryDenyWriteExecute=true",
        "SystemCallFilter=@system-service",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}");
    }
    // Only where systemd is installed.
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--threshold", EXPOSURE_MAX_TENTHS]).arg(&unit);
    if let Ok(checked) = analyze.output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}

#[test]
fn the_proxy_forwards_who_asks_and_denies_what_is_for_supervisors() {
    let text = std::fs::read_to_string(sample("nginx.conf")).unwrap();
    for line in [
        "location = /metrics { return 404; }",
        "location = /readyz { return 404; }",
        "proxy_set_header Host $host;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    ] {
        assert!(text.lines().any(|one| one.trim() == line), "{line}");
    }
}
