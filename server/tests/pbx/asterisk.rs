//! A real Asterisk: the package that `.make/setup pbx` unpacks, with the configuration in `conf/`.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use engine::clock::sleep_ms;
use tempfile::TempDir;

use crate::{
    PATIENCE, POLL_MS,
    observer::Observer,
    office::{OFFICES, Office},
    setting,
};

/// Folder of the unpacked package.
const ROOT_VARIABLE: &str = "OFFHOOK_TEST_ASTERISK";
/// Password of both AMI users. Asterisk listens on loopback only, for as long as a test runs.
pub(crate) const SECRET: &str = "ab6f2ac1d80d4f5e";
/// Port of AMI.
pub(crate) const AMI_PORT: u16 = 5038;
/// What the name of a file ends with that is repeated for each office.
const PER_OFFICE: &str = "-office.conf";
/// What Asterisk needs to connect to a server, in this order.
const ARI_MODULES: [&str; 15] = [
    "res_http_websocket",
    "res_websocket_client",
    "res_stasis",
    "res_stasis_answer",
    "res_stasis_device_state",
    "res_stasis_playback",
    "res_stasis_recording",
    "res_stasis_snoop",
    "res_ari_model",
    "res_ari",
    "res_ari_applications",
    "res_ari_asterisk",
    "res_ari_bridges",
    "res_ari_channels",
    "res_ari_events",
];
/// As the page for a new connector shows it.
const ARI: &str = "[general]\n\
    enabled = yes\n\
    channelvars = CHANNEL(linkedid),CALLERID(num-pres)\n\
    [offhook-user]\n\
    type = user\n\
    password = unused\n\
    [offhook]\n\
    type = outbound_websocket\n\
    websocket_client_id = offhook\n\
    apps = offhook\n\
    subscribe_all = yes\n\
    local_ari_user = offhook-user\n";
/// Folders that Asterisk expects.
const FOLDERS: [&str; 7] = ["etc", "var", "spool", "run", "log", "log/cdr-csv", "cache"];

/// A running Asterisk; killed when dropped.
pub(crate) struct Asterisk {
    /// Distinguishes its addresses from those of other tests: 127.<number>.x.y.
    number: u8,
    folder: TempDir,
    child: Option<Child>,
}

impl Asterisk {
    /// Starts one, and waits until it accepts calls. Tests that run at the same time pass different numbers.
    pub(crate) async fn start(number: u8) -> Self {
        let folder = TempDir::with_prefix("pbx").unwrap();
        for name in FOLDERS {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut asterisk = Self { number, folder, child: None };
        asterisk.configure();
        asterisk.start_again().await;
        asterisk
    }

    /// Starts it after [`Self::kill`].
    pub(crate) async fn start_again(&mut self) {
        let libraries = libraries();
        let log = std::fs::File::options().create(true).append(true).open(self.path("log/output")).unwrap();
        // With the libraries of its own release, which a loader finds without a chroot, so that no root is needed.
        let mut command = Command::new(loader(&libraries));
        command.arg("--library-path").arg(&libraries).arg(root().join("usr/sbin/asterisk"));
        command.arg("-f").arg("-C").arg(self.path("etc/asterisk.conf"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let booted = tokio::time::timeout(PATIENCE, async {
            let observer = loop {
                match Observer::connect(self.ami()).await {
                    Ok(observer) => break observer,
                    Err(_) => sleep_ms(POLL_MS).await,
                }
            };
            observer.request(&[("Action", "Command"), ("Command", "core waitfullybooted")]).await
        });
        assert!(booted.await.is_ok(), "Asterisk did not start: {}", self.log());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Lets it connect to a server as this connector.
    pub(crate) async fn dial(&self, observer: &Observer, server: SocketAddr, connector: &str, secret: &str) {
        let client = format!(
            "[offhook]\ntype = websocket_client\nconnection_type = persistent\nuri = ws://{server}/connect/asterisk\n\
             protocols = ari\nusername = {connector}\npassword = {secret}\ntls_enabled = no\n"
        );
        std::fs::write(self.path("etc/ari.conf"), ARI).unwrap();
        std::fs::write(self.path("etc/websocket_client.conf"), client).unwrap();
        for module in ARI_MODULES {
            let load = format!("module load {module}.so");
            observer.request(&[("Action", "Command"), ("Command", &load)]).await;
        }
    }

    /// One of its offices.
    pub(crate) fn office(&self, digit: u8) -> Office {
        assert!(digit < OFFICES);
        Office { pbx: self.number, digit }
    }

    /// Address of AMI.
    pub(crate) fn ami(&self) -> SocketAddrV4 {
        SocketAddrV4::new(ip(self.number), AMI_PORT)
    }

    /// File of its call records.
    pub(crate) fn call_records(&self) -> PathBuf {
        self.path("log/cdr-csv/Master.csv")
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        read("log/output") + &read("log/messages")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self) {
        let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pbx/conf");
        for entry in std::fs::read_dir(&conf).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(PER_OFFICE) {
                continue;
            }
            let mut text = std::fs::read_to_string(&path).unwrap();
            if let Ok(template) = std::fs::read_to_string(conf.join(name.replace(".conf", PER_OFFICE))) {
                text.extend((0..OFFICES).map(|digit| self.office(digit).fill(&template)));
            }
            std::fs::write(self.path("etc").join(name), self.fill(&text)).unwrap();
        }
    }

    fn fill(&self, text: &str) -> String {
        let modules = libraries().join("asterisk/modules");
        text.replace("{folder}", self.folder.path().to_str().unwrap())
            .replace("{root}", root().to_str().unwrap())
            .replace("{modules}", modules.to_str().unwrap())
            .replace("{ip}", &ip(self.number).to_string())
            .replace("{pbx}", &self.number.to_string())
            .replace("{secret}", SECRET)
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where an Asterisk of this number listens.
pub(crate) fn ip(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, number, 200, 1)
}

fn root() -> PathBuf {
    setting(ROOT_VARIABLE).expect("make test-pbx sets the folder of Asterisk").into()
}

/// Folder of the libraries; its name contains the processor's architecture.
fn libraries() -> PathBuf {
    let mut candidates = std::fs::read_dir(root().join("usr/lib")).unwrap().map(|entry| entry.unwrap().path());
    candidates.find(|folder| folder.join("asterisk/modules").is_dir()).unwrap()
}

fn loader(libraries: &Path) -> PathBuf {
    let mut candidates = std::fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().path());
    candidates.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("ld-linux")).unwrap()
}
