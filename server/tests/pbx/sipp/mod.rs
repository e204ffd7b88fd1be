//! What a party does during a call, played by SIPp.

mod callee;
mod caller;
mod messages;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use engine::clock::sleep_ms;

use crate::{PATIENCE, POLL_MS, office::Device};

/// Longest time of a party, in seconds.
const PARTY_MAX_S: u64 = 120;
/// Longest time without an expected message, in milliseconds.
const SILENCE_MAX_MS: u64 = 30_000;
/// A second of sound: G.711, 8,000 samples.
const SOUND: [u8; 8_000] = [0x2a; 8_000];
/// Lowest SIP port of a device.
const SIP_PORT_MIN: u16 = 5080;
/// From a device's SIP port to the port of SIPp's remote control.
const CONTROL_PORT: u16 = 1_000;
/// First port for sound of the device with the lowest SIP port, and how many each has.
const MEDIA_PORT: u16 = 10_000;
const MEDIA_PORTS: u16 = 20;

/// What a party does. Times are in milliseconds.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Callee: the phone has the call, and takes this long to say more.
    Try(u64),
    /// Callee: the phone rings for this long.
    Ring(u64),
    /// Callee: the caller hears an announcement for this long, before the call is accepted.
    Announce(u64),
    /// Callee: accepts the call.
    Accept,
    /// Callee: rejects the call with this status.
    Reject(u16),
    /// Callee: does nothing until the caller gives up.
    Ignore,
    /// Caller: waits before dialling.
    Wait(u64),
    /// Caller: the call is accepted.
    Accepted,
    /// Caller: the call is rejected with this status.
    Rejected(u16),
    /// Caller: the phone rings.
    Rings,
    /// Caller: hangs up after this long, while it rings.
    GiveUp(u64),
    /// Does nothing for this long.
    Talk(u64),
    /// Sends sound from here on.
    Sound,
    /// Presses a key.
    Press(char),
    /// Transfers the other party to this number, and hangs up once it has been called.
    Transfer(String),
    /// Hangs up.
    HangUp,
    /// Waits until the other party hangs up.
    AwaitHangUp,
}

/// A SIP scenario, as XML.
#[derive(Debug, Clone)]
pub(crate) struct Script(String);

impl Script {
    /// A phone or a network that is called.
    pub(crate) fn callee(steps: &[Step]) -> Self {
        Self::of(callee::script(steps))
    }

    /// A phone or a network that calls this number. Headers are added to the first request.
    pub(crate) fn caller(dialled: &str, from: &str, headers: &str, steps: &[Step]) -> Self {
        Self::of(caller::script(dialled, from, headers, steps))
    }

    fn of(body: String) -> Self {
        Self(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"party\">\n{body}</scenario>\n"))
    }
}

/// A running SIPp; killed when dropped.
pub(crate) struct Sipp {
    child: Child,
    errors: PathBuf,
}

impl Sipp {
    /// Starts it and waits until it can be reached. Its files are written to this folder.
    pub(crate) async fn start(folder: &Path, device: &Device, pbx: Ipv4Addr, script: &Script, calls: usize) -> Self {
        let sipp = Self::spawn(folder, device, pbx, script, &["-m", &calls.to_string()]);
        let bound = async {
            while !is_bound(device.ip, device.port) {
                sleep_ms(POLL_MS).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, bound).await.is_ok(), "SIPp does not listen: {}", sipp.complaint());
        sipp
    }

    /// Starts it with arguments of the test's own.
    pub(crate) fn spawn(folder: &Path, device: &Device, pbx: Ipv4Addr, script: &Script, arguments: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |kind: &str| folder.join(format!("{number}.{kind}"));
        // The scenario names the sound without a folder.
        std::fs::write(folder.join("sound.ul"), SOUND).unwrap();
        std::fs::write(name("xml"), &script.0).unwrap();
        let output = std::fs::File::create(name("output")).unwrap();
        let mut command = Command::new("sipp");
        command.arg(format!("{pbx}:5060")).arg("-sf").arg(name("xml")).arg("-aa").arg("-nostdin").arg("-trace_err");
        command.arg("-error_file").arg(name("errors"));
        // All at the device's own address: ports of others can't be in the way.
        let (ip, port) = (device.ip.to_string(), device.port.to_string());
        let (control, media) = (device.port + CONTROL_PORT, MEDIA_PORT + (device.port - SIP_PORT_MIN) * MEDIA_PORTS);
        command.args(["-i", &ip, "-p", &port, "-ci", &ip, "-cp", &control.to_string()]);
        command.args(["-mi", &ip, "-mp", &media.to_string()]);
        command.args(["-timeout", &format!("{PARTY_MAX_S}s"), "-timeout_error"]);
        command.args(["-recv_timeout", &SILENCE_MAX_MS.to_string()]).args(arguments);
        command.env("TERM", "dumb").current_dir(folder);
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        Self { child: command.spawn().expect("SIPp is installed by .make/setup pbx"), errors: name("errors") }
    }

    /// Waits for its end; says what went otherwise than in its script.
    pub(crate) async fn finish(mut self) -> Result<(), String> {
        let status = self.ended().await;
        if status.success() { Ok(()) } else { Err(format!("SIPp: {status}: {}", self.complaint())) }
    }

    async fn ended(&mut self) -> ExitStatus {
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None => sleep_ms(POLL_MS).await,
            }
        }
    }

    fn complaint(&self) -> String {
        let output = std::fs::read_to_string(self.errors.with_extension("output")).unwrap_or_default();
        std::fs::read_to_string(&self.errors).unwrap_or(output)
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a UDP socket has this address, by the kernel's table: SIPp does not say when it is ready.
pub(crate) fn is_bound(ip: Ipv4Addr, port: u16) -> bool {
    let local = format!("{:08X}:{port:04X}", u32::from_le_bytes(ip.octets()));
    let table = std::fs::read_to_string("/proc/net/udp").unwrap();
    table.lines().any(|line| line.split_whitespace().nth(1) == Some(&local))
}
