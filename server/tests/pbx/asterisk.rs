//! A real Asterisk: the package that `.make/setup pbx` unpacks, with the configuration in `conf/`.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use engine::clock::sleep_ms;
use tempfile::TempDir;

use crate::{
    PATIENCE, POLL_MS,
    dashboard::Block,
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
/// What a package loads without being asked, so that Asterisk can connect to a server; in this order.
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
/// Files to which an administrator adds what the page for a new connector shows; as the package has them.
const ARI_FILES: [&str; 2] = ["websocket_client.conf", "ari.conf"];
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
        let mut asterisk = Self::configured(number);
        asterisk.start_again().await;
        asterisk
    }

    fn configured(number: u8) -> Self {
        let folder = TempDir::with_prefix("pbx").unwrap();
        for name in FOLDERS {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let asterisk = Self { number, folder, child: None };
        asterisk.configure();
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

    /// Starts one that can connect to a server.
    pub(crate) async fn start_with_ari(number: u8) -> Self {
        let mut asterisk = Self::configured(number);
        let loads = ARI_MODULES.map(|module| format!("load = {module}.so\n")).concat();
        asterisk.add("modules.conf", &loads);
        for file in ARI_FILES {
            std::fs::copy(root().join("etc/asterisk").join(file), asterisk.path("etc").join(file)).unwrap();
        }
        asterisk.start_again().await;
        asterisk
    }

    /// Adds this text to a file of its configuration.
    pub(crate) fn add(&self, file: &str, text: &str) {
        let mut file = std::fs::File::options().append(true).open(self.path("etc").join(file)).unwrap();
        file.write_all(format!("\n{text}\n").as_bytes()).unwrap();
    }

    /// Does what the page for a new connector says: adds its texts to files, and runs its commands.
    pub(crate) async fn set_up(&self, observer: &Observer, blocks: &[Block]) {
        for Block { title, text } in blocks {
            if let Some(file) = title.strip_prefix("Paste into ") {
                self.add(file, text);
            } else if let Some(file) = title.strip_prefix("Add to [general] in ") {
                self.replace(file, "[general]\n", &format!("[general]\n{text}\n"));
            } else {
                run(observer, text).await;
            }
        }
    }

    /// Replaces a text in a file of its configuration.
    pub(crate) fn replace(&self, file: &str, before: &str, after: &str) {
        let path = self.path("etc").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(before), "{before} is not in {text}");
        std::fs::write(path, text.replace(before, after)).unwrap();
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

/// Runs commands such as `asterisk -rx "core show version"`, one per line.
async fn run(observer: &Observer, commands: &str) {
    for line in commands.lines() {
        let command = line.strip_prefix("asterisk -rx \"").and_then(|rest| rest.strip_suffix('"'));
        let command = command.unwrap_or_else(|| panic!("{line}"));
        let response = observer.request(&[("Action", "Command"), ("Command", command)]).await;
        assert_eq!(response.get("Response"), Some("Success"), "{command}");
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

/// The loader among a release's libraries.
pub(crate) fn loader(libraries: &Path) -> PathBuf {
    let mut candidates = std::fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().path());
    candidates.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("ld-linux")).unwrap()
}
