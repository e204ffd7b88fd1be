//! Calls on a real Kamailio with the configuration of its help page, which posts to a server: `docs/help/connect-kamailio.md`.

mod calls;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use engine::clock::sleep_ms;
use tempfile::TempDir;

use crate::{PATIENCE, POLL_MS, asterisk::loader, office::Device, programs::Server, setting, sipp::is_bound};

/// Folder of the unpacked packages.
const ROOT_VARIABLE: &str = "OFFHOOK_TEST_KAMAILIO";
/// Distinguishes its addresses from those of the other tests.
const NUMBER: u8 = 90;
const SIP_PORT: u16 = 5060;
const PAGE: &str = include_str!("../../../docs/help/connect-kamailio.md");
/// Shared memory in MB.
const MEMORY_MB: &str = "64";

/// A running Kamailio; killed when dropped.
pub(crate) struct Kamailio {
    folder: TempDir,
    child: Child,
}

impl Kamailio {
    /// Starts one that posts to this server for this connector.
    async fn start(server: &Server, connector: &str) -> Self {
        let folder = TempDir::with_prefix("kamailio").unwrap();
        let own = block("offhook.cfg")
            .replace("192.0.2.10", &provider(0).ip.to_string())
            .replace("https://hooks.example.com", &server.url())
            .replace("con_ID", connector)
            .replace("oh_TOKEN", server.token());
        std::fs::write(folder.path().join("offhook.cfg"), own).unwrap();
        let (_, begin) = block("kamailio.cfg").split_once("# in request_route, for an initial INVITE:\n").unwrap();
        let modules = libraries().join("kamailio/modules");
        let template =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pbx/conf/kamailio.cfg"));
        let text = template
            .unwrap()
            .replace("{ip}", &ip().to_string())
            .replace("{modules}", modules.to_str().unwrap())
            .replace("{folder}", folder.path().to_str().unwrap())
            .replace("{begin}", begin)
            .replace("{phone}", &address(&phone(0)))
            .replace("{provider}", &address(&provider(0)));
        std::fs::write(folder.path().join("kamailio.cfg"), text).unwrap();
        let child = spawn(folder.path());
        let kamailio = Self { folder, child };
        let bound = async {
            while !is_bound(ip(), SIP_PORT) {
                sleep_ms(POLL_MS).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, bound).await.is_ok(), "it did not start: {}", kamailio.log());
        kamailio
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its main process ends the others only when it is asked to.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let (root, log, libraries) = (root(), std::fs::File::create(folder.join("log")).unwrap(), libraries());
    let system = root.join("lib").join(libraries.file_name().unwrap());
    let path = [system.clone(), libraries.clone(), libraries.join("kamailio")].map(|path| path.display().to_string());
    // With the libraries of its own release, which a loader finds without a chroot, so that no root is needed.
    let mut command = Command::new(loader(&system));
    command.arg("--library-path").arg(path.join(":")).arg(root.join("usr/sbin/kamailio"));
    command.arg("-f").arg(folder.join("kamailio.cfg")).args(["-DD", "-E", "-m", MEMORY_MB, "-Y"]).arg(folder);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

/// A block of the help page, by its title.
fn block(title: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("```text {title}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

fn root() -> PathBuf {
    setting(ROOT_VARIABLE).expect("make test-pbx sets the folder of Kamailio").into()
}

/// Folder of the libraries; its name contains the processor's architecture.
fn libraries() -> PathBuf {
    let mut candidates = std::fs::read_dir(root().join("usr/lib")).unwrap().map(|entry| entry.unwrap().path());
    candidates.find(|folder| folder.join("kamailio/modules").is_dir()).unwrap()
}

fn ip() -> Ipv4Addr {
    Ipv4Addr::new(127, NUMBER, 200, 1)
}

/// Where the provider accepts calls, or from where one of its callers calls.
fn provider(caller: u16) -> Device {
    Device { ip: Ipv4Addr::new(127, NUMBER, 0, 1), port: 5080 + caller, number: "01632960001".to_owned() }
}

/// The only phone, which accepts calls, or from where it calls.
fn phone(caller: u16) -> Device {
    Device { ip: Ipv4Addr::new(127, NUMBER, 0, 2), port: 5080 + caller, number: "7048".to_owned() }
}

fn address(device: &Device) -> String {
    format!("{}:{}", device.ip, device.port)
}
