//! A test's own PostgreSQL cluster, which the test can restart.

use std::{path::PathBuf, process::Command};

/// A running cluster. Dropping it stops it and deletes its files.
pub(crate) struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
}

impl Cluster {
    /// Starts one on a socket in its own folder. Files are not synced: what a process has written survives the end of the
    /// process, though not of the machine.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("offhook-cluster-").tempdir_in("/tmp").unwrap().keep();
        let cluster = Self { bin: bin(), folder };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&cluster.folder));
        }
        run(Command::new("chmod").arg("755").arg(&cluster.folder));
        let data = cluster.data();
        run(cluster.command("initdb").args(["-U", "offhook", "--auth=trust", "--locale=C", "--no-sync", "-D", &data]));
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", cluster.folder.display());
        run(cluster.command("pg_ctl").args(["start", "--silent", "--wait", "-o", &options]).args(cluster.place()));
        cluster
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("postgres://offhook@localhost/postgres?host={}", self.folder.display())
    }

    /// Stops it as a crash would, without notifying clients, and starts it again.
    pub(crate) fn restart(&self) {
        run(self.command("pg_ctl").args(["restart", "--silent", "--wait", "--mode=immediate"]).args(self.place()));
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn place(&self) -> [String; 4] {
        ["-D".to_owned(), self.data(), "-l".to_owned(), self.folder.join("log").display().to_string()]
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if is_root() { Command::new("runuser") } else { Command::new(&program) };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        command.current_dir("/");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stop = ["stop", "--silent", "--mode=immediate", "-D", &self.data()];
        let _ = self.command("pg_ctl").args(stop).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The newest version; Debian installs several side by side.
fn bin() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .expect("PostgreSQL is installed by .make/setup test")
        .map(|version| version.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL is installed by .make/setup test")
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[track_caller]
fn run(command: &mut Command) {
    // A pipe would stay open as long as the server, which inherits it.
    let status = command.stdout(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
