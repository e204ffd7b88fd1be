//! Connects a [`Session`] to a phone system over TCP, again and again. Nothing is decided here: it moves bytes, and never stops
//! reading because something else is slow.

mod backoff;
mod saver;

use std::{io, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use domain::{
    UnixMs,
    connector::{ConnectorProblem, StateReport},
    time::Clock,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

use self::{backoff::Backoff, saver::Saver};
use crate::{
    asterisk::cdr,
    call::CallRecord,
    session::{Batch, Interruption, Session, TICK_MS},
};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1_024;
/// Requests that wait because the phone system does not read them, in bytes.
const OUTGOING_MAX_BYTES: usize = 4 * 1_024 * 1_024;
/// Events that wait in memory because they can't be saved. Beyond, no more are read.
const UNSAVED_MAX: usize = 20_000;
/// Time limit to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where what a session produces goes.
pub trait Sink: Send + Sync + 'static {
    /// A sentence for administrators: events can't be saved, and what they have to check.
    const CANNOT_SAVE: &'static str;

    /// Saves in one transaction. What cannot be saved is passed again.
    ///
    /// # Errors
    /// Why not, for the log.
    fn save(&self, batch: &Batch) -> impl Future<Output = Result<(), String>> + Send;
    /// The state, at every tick. It must not block.
    fn report(&self, report: StateReport);
}

/// Where a phone system is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Host and port.
    pub address: String,
    /// Asterisk's call records, from which gaps are filled.
    pub records: Option<PathBuf>,
}

/// How a connection ended.
enum End<F> {
    Stopped,
    Failed(F),
}

struct Link<P: Session, S> {
    place: Place,
    session: P,
    saver: Saver<S>,
    clock: Arc<dyn Clock>,
    backoff: Backoff,
    /// The latest state that was logged: connected, or why not.
    logged: Option<P::Failure>,
    is_connected: bool,
    problem: Option<ConnectorProblem>,
    filling: Option<JoinHandle<Vec<CallRecord>>>,
}

/// Follows a phone system until `stop`; then saves what is left.
pub async fn run<P: Session, S: Sink>(
    place: Place,
    session: P,
    sink: Arc<S>,
    clock: Arc<dyn Clock>,
    stop: impl Future<Output = ()>,
) {
    let saver = Saver::new(sink);
    let mut link = Link {
        place,
        session,
        saver,
        clock,
        backoff: Backoff::default(),
        logged: None,
        is_connected: false,
        problem: None,
        filling: None,
    };
    let mut stop = std::pin::pin!(stop);
    loop {
        let why = match link.follow(stop.as_mut()).await {
            End::Stopped => break,
            End::Failed(why) => why,
        };
        link.log_failure(&why);
        let wait_ms = link.backoff.after(&why);
        link.filling = None;
        link.session.disconnected(link.clock.now(), why);
        if link.wait(wait_ms, stop.as_mut()).await {
            break;
        }
    }
    link.saver.finish(&mut link.session, link.clock.now()).await;
}

impl<P: Session, S: Sink> Link<P, S> {
    /// Connects, and follows until the connection ends.
    async fn follow(&mut self, mut stop: Pin<&mut impl Future<Output = ()>>) -> End<P::Failure> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.place.address));
        let connected = tokio::select! {
            () = stop.as_mut() => return End::Stopped,
            connected = connecting => connected,
        };
        let unreachable = |reason: String| {
            let address = self.place.address.clone();
            P::Failure::from(Interruption::Unreachable { address, reason })
        };
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return End::Failed(unreachable(error.to_string())),
            Err(_) => return End::Failed(unreachable("no response within 5 s".to_owned())),
        };
        self.session.connected(self.clock.now());
        match self.converse(stream, stop).await {
            Ok(()) => End::Stopped,
            Err(why) => End::Failed(why),
        }
    }

    async fn converse(
        &mut self,
        stream: TcpStream,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), P::Failure> {
        let broken = |error: io::Error| P::Failure::from(Interruption::Broken(error.to_string()));
        stream.set_nodelay(true).map_err(broken)?;
        let (mut reader, mut writer) = stream.into_split();
        let (mut buffer, mut outgoing) = (vec![0; READ_BYTES], Vec::new());
        let mut ticks = ticks();
        loop {
            outgoing.extend(self.session.take_outgoing());
            if outgoing.len() > OUTGOING_MAX_BYTES {
                return Err(Interruption::DoesNotRead.into());
            }
            if self.session.unsaved() > UNSAVED_MAX {
                return Err(Interruption::CannotSave(S::CANNOT_SAVE).into());
            }
            // At once, before more is read: the event of a call waits for the response to a question.
            outgoing.drain(..written_now(&writer, &outgoing).map_err(broken)?);
            self.saver.begin(&mut self.session, self.clock.now());
            self.fill();
            tokio::select! {
                () = stop.as_mut() => return Ok(()),
                read = reader.read(&mut buffer) => match read.map_err(broken)? {
                    0 => return Err(Interruption::Closed.into()),
                    length => self.session.received(self.clock.now(), &buffer[..length])?,
                },
                written = writer.write(&outgoing), if !outgoing.is_empty() => {
                    outgoing.drain(..written.map_err(broken)?);
                }
                () = self.saver.progress() => {}
                records = filled(&mut self.filling) => {
                    self.filling = None;
                    self.session.records(self.clock.now(), records);
                }
                _ = ticks.tick() => self.tick()?,
            }
        }
    }

    fn tick(&mut self) -> Result<(), P::Failure> {
        let report = self.session.report();
        if report.connected && !self.is_connected {
            let version = report.system_version.as_deref().unwrap_or_default();
            tracing::info!(address = %self.place.address, version, calls_open = report.calls_open, "following {}", P::SYSTEM);
        }
        self.is_connected = report.connected;
        if report.connected {
            self.backoff.follows(self.clock.now());
            self.logged = None;
        }
        self.log_problem(&report);
        self.saver.sink().report(report);
        self.session.tick(self.clock.now())
    }

    /// Logs why there is no connection; once, while it stays the same.
    fn log_failure(&mut self, why: &P::Failure) {
        self.is_connected = false;
        if self.logged.as_ref() != Some(why) {
            tracing::warn!("{why} Trying again until it works.");
            self.logged = Some(why.clone());
        }
    }

    /// Logs what is wrong although there is a connection; once.
    fn log_problem(&mut self, report: &StateReport) {
        if report.problem != self.problem {
            if let Some(detail) = report.detail.as_ref().filter(|_| report.connected) {
                tracing::warn!("{detail}");
            }
            self.problem = report.problem;
        }
    }

    /// Begins to read call records when the session wants them.
    fn fill(&mut self) {
        let Some(since) = self.session.wants_records().filter(|_| self.filling.is_none()) else { return };
        let path = self.place.records.clone();
        self.filling = Some(tokio::task::spawn_blocking(move || records(path, since)));
    }

    /// Waits, and saves meanwhile. Returns whether to stop.
    async fn wait(&mut self, ms: i64, mut stop: Pin<&mut impl Future<Output = ()>>) -> bool {
        let until = self.clock.now().plus_ms(ms);
        let mut ticks = ticks();
        while self.clock.now() < until {
            self.saver.begin(&mut self.session, self.clock.now());
            self.saver.sink().report(self.session.report());
            tokio::select! {
                () = stop.as_mut() => return true,
                () = self.saver.progress() => {}
                _ = ticks.tick() => {}
            }
        }
        false
    }
}

/// How much of this the phone system takes without waiting.
fn written_now(writer: &OwnedWriteHalf, outgoing: &[u8]) -> io::Result<usize> {
    if outgoing.is_empty() {
        return Ok(0);
    }
    match writer.try_write(outgoing) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

#[expect(clippy::disallowed_methods, reason = "a real connection is watched in real time; the session has the clock")]
fn ticks() -> tokio::time::Interval {
    tokio::time::interval(Duration::from_millis(TICK_MS.unsigned_abs()))
}

async fn filled(filling: &mut Option<JoinHandle<Vec<CallRecord>>>) -> Vec<CallRecord> {
    match filling {
        Some(reading) => reading.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

fn records(path: Option<PathBuf>, since: UnixMs) -> Vec<CallRecord> {
    let Some(path) = path else { return Vec::new() };
    match cdr::fold_tail(&path, since) {
        Ok(folded) => folded.records,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "call records can't be read: calls of this gap stay incomplete");
            Vec::new()
        }
    }
}
