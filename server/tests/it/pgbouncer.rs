//! Debian's PgBouncer in front of the throw-away PostgreSQL. In session mode everything works; in transaction mode the
//! server refuses to start and says why.

use std::{
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    command::{offhook, serve::serve},
    crash::{post_until_killed, set_up},
    postgres::database,
    receiver::Receiver,
};

/// A running PgBouncer, ended when dropped.
pub(crate) struct PgBouncer {
    child: Child,
    ini: PathBuf,
    port: u16,
}

impl PgBouncer {
    /// Starts one with this `pool_mode`, in front of the cluster of this URL. It listens on TCP only.
    pub(crate) async fn start(folder: &std::path::Path, upstream: &str, pool_mode: &str) -> Self {
        let socket = upstream.split_once("host=").expect("the cluster listens on a socket").1;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let ini = folder.join(format!("pgbouncer-{port}.ini"));
        // Any client may connect, as the user of the cluster.
        let text = format!(
            "[databases]\n* = host={socket} user=offhook\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {pool_mode}\nmax_client_conn = 500\ndefault_pool_size = 150\n"
        );
        std::fs::write(&ini, text).unwrap();
        let pgbouncer = Self { child: run(&ini), ini, port };
        pgbouncer.listening().await;
        pgbouncer
    }

    /// The URL of a database through it.
    pub(crate) fn url(&self, upstream: &str) -> String {
        let name = upstream.split_once('?').unwrap().0.rsplit('/').next().unwrap();
        format!("postgres://offhook@127.0.0.1:{}/{name}", self.port)
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, and all connections with it, and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.child = run(&self.ini);
        self.listening().await;
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    async fn listening(&self) {
        let open = async { while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {} };
        tokio::time::timeout(std::time::Duration::from_secs(10), open).await.expect("PgBouncer does not listen");
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(ini: &std::path::Path) -> Child {
    let program = "/usr/sbin/pgbouncer";
    // It refuses to run as root.
    let mut command = if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", program]);
        command
    } else {
        Command::new(program)
    };
    command.arg(ini).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("PgBouncer is installed by .make/setup test")
}

/// A folder that PgBouncer's user can read.
pub(crate) fn readable_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_pooler_in_session_mode_works() {
    let (folder, direct) = (readable_folder(), database().await);
    let pgbouncer = PgBouncer::start(folder.path(), &direct, "session").await;
    let data = folder.path().join("data");
    let node = || {
        let mut command = offhook(&data);
        command.env("OFFHOOK_DATABASE_URL", pgbouncer.url(&direct)).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
        command
    };
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(node());
    let (_, token) = set_up(node, &address, &receiver).await;
    assert_eq!(post_until_killed((&address, &token), 0..50, |_| {}).await.len(), 50);
    for _ in 0..50 {
        receiver.next().await;
    }
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_refused_with_a_sentence() {
    let (folder, direct) = (readable_folder(), database().await);
    let pgbouncer = PgBouncer::start(folder.path(), &direct, "transaction").await;
    let mut command = offhook(&folder.path().join("data"));
    command.env("OFFHOOK_DATABASE_URL", pgbouncer.url(&direct)).arg("serve").args(["--listen", "127.0.0.1:0"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("a connection pooler in transaction mode (PgBouncer: pool_mode = transaction)"),
        "{stderr}"
    );
    assert!(stderr.contains("Set pool_mode = session, or connect to PostgreSQL directly"), "{stderr}");
}
