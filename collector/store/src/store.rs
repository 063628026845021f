//! The store as a queue uses it: asynchronous, with a thread that writes.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::futures::Notified;
use tokio::sync::{mpsc, mpsc::error::TryRecvError, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::disk::{Disk, DiskFile};
use crate::error::{AppendError, OpenError, ReadError};
use crate::index::{Noted, Shared};
use crate::log::{Limits, Log, Record};
use crate::reader::{Entry, Next, Reader, Receipt};
use crate::recover::{self, Recovered};
use crate::totals::{Count, Totals, Verdict};

/// A request that is to be kept.
#[derive(Debug, Default)]
pub struct Append {
    /// Items in it.
    pub items: u64,
    /// When it came, in milliseconds since 1970.
    pub accepted: u64,
    /// What else must be known of it to send it.
    pub context: Bytes,
    /// The request.
    pub body: Bytes,
    /// What it has of the room that is left until it counts as [queued](Store::queued).
    pub claim: Claim,
}

/// Dropped in the very moment in which a request counts as queued, or when it is not kept.
#[derive(Default)]
pub struct Claim(pub Option<Box<dyn Send>>);

/// A store that is open. Cloning shares it.
pub struct Store<F> {
    shared: Arc<Shared<F>>,
    commands: mpsc::Sender<Command>,
}

/// What a store gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A request, to be settled.
    Entry(Entry),
    /// Requests turned out to be damaged when it was their turn. They are settled.
    Damaged(Count),
}

/// Gives out the requests of a store, each once, unless it is [given back](Store::give_back).
#[derive(Debug)]
pub struct Requests<F> {
    shared: Arc<Shared<F>>,
    commands: mpsc::Sender<Command>,
    reader: Reading<F>,
    /// Whether reading takes time, and so a thread.
    blocks: bool,
}

/// A reader, here or on its way through the file.
#[derive(Debug)]
enum Reading<F> {
    Idle(Reader<F>),
    Busy(JoinHandle<(Reader<F>, Result<Next, ReadError>)>),
    /// Its thread panicked.
    Gone,
}

enum Command {
    Append(Record, oneshot::Sender<Result<u64, AppendError>>),
    /// There is something to write down that is settled in memory already.
    Note,
    Tick,
    Close(oneshot::Sender<io::Result<()>>),
}

/// Most commands that wait for the disk.
const COMMANDS_MAX: usize = 1024;
/// Most bytes that are written with one sync.
const WRITE_BYTES_MAX: usize = 8 * 1024 * 1024;

impl<F: DiskFile> Store<F> {
    /// Opens the store of a directory. Blocks, for as long as it takes to read what was not closed.
    ///
    /// # Errors
    /// When another process has it, when it is of another version, or when the disk fails.
    pub fn open<D: Disk<File = F>>(
        disk: D,
        limits: Limits,
    ) -> Result<(Self, Requests<F>, Recovered), OpenError> {
        let simulated = disk.simulated();
        let (log, recovered) = recover::open(disk, limits)?;
        let shared = log.shared.clone();
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        match simulated {
            None => {
                let thread = std::thread::Builder::new().name("store".to_owned());
                thread.spawn(move || write(log, receiver)).map_err(OpenError::Thread)?;
            }
            Some(latency) => drop(tokio::spawn(simulate(log, receiver, latency))),
        }
        let (reader, blocks) = (Reading::Idle(Reader::new(shared.clone())), simulated.is_none());
        let requests = Requests { shared: shared.clone(), commands: commands.clone(), reader, blocks };
        Ok((Self { shared, commands }, requests, recovered))
    }

    /// Keeps a request, and returns its number when it is on stable storage. When the future is dropped, nobody knows
    /// whether the request was kept.
    ///
    /// # Errors
    /// When it was not kept, and never will be.
    pub async fn append(&self, request: Append) -> Result<u64, AppendError> {
        let Append { items, accepted, context, body, claim } = request;
        let (reply, answer) = oneshot::channel();
        let command = Command::Append(Record { items, accepted, context, body, claim }, reply);
        let sent = self.commands.send(command).await;
        let appended = if sent.is_ok() { answer.await.ok() } else { None };
        let appended = appended.unwrap_or(Err(AppendError::Closed));
        if appended.is_err() {
            self.shared.settled.notify_waiters();
        }
        appended
    }

    /// Says what became of items of a request, by their numbers in it. When all of them are settled, the request is, and
    /// will not be given out again; until then it may be, with the others. Items that are settled already are not counted
    /// again. What is noted is on the disk as soon as the disk allows it, whatever becomes of the process, and in this
    /// order.
    pub fn settle(&self, request: Receipt, verdicts: &[(Verdict, Range<u64>)]) -> Noted {
        let (noted, is_due) = self.shared.index().settle_items(request, verdicts);
        if is_due {
            // Where there is no room, commands wait, and each of them is reason to look. A store that is closed gives out
            // again after the next start what it has not written down.
            self.commands.try_send(Command::Note).ok();
        }
        self.shared.readable.notify_one();
        self.shared.settled.notify_waiters();
        noted
    }

    /// Takes back a request that was given out and is not settled: it is given out again, with those of its items that are
    /// not settled, before all later ones.
    pub fn give_back(&self, request: Receipt) {
        self.shared.index().returned.insert(request.seq);
        self.shared.readable.notify_one();
    }

    /// To be called about once a second: makes certain what was settled, and gives space back.
    pub async fn tick(&self) {
        self.commands.send(Command::Tick).await.ok();
    }

    /// Ends it, and leaves the files so that the next start is quick.
    ///
    /// # Errors
    /// When the disk fails. Nothing is lost by that.
    pub async fn close(&self) -> io::Result<()> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close(reply)).await.is_err() {
            return Ok(());
        }
        answer.await.unwrap_or(Ok(()))
    }

    /// What it was ever given, and what became of it.
    pub fn totals(&self) -> Totals {
        self.shared.index().account.totals.clone()
    }

    /// What is accepted and not settled, and its bytes.
    pub fn queued(&self) -> (Count, u64) {
        self.with_queued(|queued, bytes| (queued, bytes))
    }

    /// Looks at what is [queued](Self::queued) while no request that comes begins to count, and none loses its claim by that:
    /// each is in one of the two. To be done in a moment.
    pub fn with_queued<T>(&self, look: impl FnOnce(Count, u64) -> T) -> T {
        let index = self.shared.index();
        look(index.account.totals.queued(), index.queued_bytes)
    }

    /// Resolves when something is settled after this call, or was not kept: there may be room then.
    pub fn settled(&self) -> Notified<'_> {
        self.shared.settled.notified()
    }

    /// Bytes of all its files, with what is allocated and not yet used.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.index().disk_bytes
    }
}

impl<F: DiskFile> Requests<F> {
    /// The oldest request that is not settled and was not given out yet; waits until there is one. When the future is
    /// dropped, nothing is lost.
    ///
    /// # Errors
    /// When the disk fails; the next call tries again.
    pub async fn next(&mut self) -> Result<Given, ReadError> {
        loop {
            match self.try_next().await? {
                Next::Entry(entry) => return Ok(Given::Entry(entry)),
                Next::Nothing => self.shared.readable.notified().await,
                Next::Settled => drop(self.commands.try_send(Command::Note)),
                Next::Damaged(damaged) => {
                    self.commands.try_send(Command::Note).ok();
                    return Ok(Given::Damaged(damaged));
                }
            }
        }
    }

    async fn try_next(&mut self) -> Result<Next, ReadError> {
        if let Reading::Idle(_) = self.reader {
            if let Some(next) = self.shared.windowed() {
                return Ok(next);
            }
            if let Reading::Idle(reader) = &mut self.reader
                && !self.blocks
            {
                return reader.next();
            }
            if let Reading::Idle(mut reader) = std::mem::replace(&mut self.reader, Reading::Gone) {
                self.reader = Reading::Busy(spawn_blocking(move || {
                    let next = reader.next();
                    (reader, next)
                }));
            }
        }
        match &mut self.reader {
            Reading::Busy(task) => match task.await {
                Ok((reader, next)) => {
                    self.reader = Reading::Idle(reader);
                    next
                }
                Err(_) => {
                    self.reader = Reading::Idle(Reader::new(self.shared.clone()));
                    Ok(Next::Nothing)
                }
            },
            Reading::Idle(_) | Reading::Gone => {
                self.reader = Reading::Idle(Reader::new(self.shared.clone()));
                Ok(Next::Nothing)
            }
        }
    }
}

/// The thread that writes.
fn write<D: Disk>(mut log: Log<D>, mut commands: mpsc::Receiver<Command>) {
    let mut pace = Pace::default();
    loop {
        let next = match commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) if pace.step(&mut log) => continue,
            Err(_) => commands.blocking_recv(),
        };
        let Some(first) = next else { break };
        if let Some(reply) = pace.serve(&mut log, first, &mut commands) {
            return close(log, Some(reply));
        }
    }
    close(log, None);
}

/// The same without a thread, on a disk whose calls return at once.
async fn simulate<D: Disk>(mut log: Log<D>, mut commands: mpsc::Receiver<Command>, latency: Duration) {
    let mut pace = Pace::default();
    loop {
        let next = match commands.try_recv() {
            Ok(command) => Some(command),
            Err(TryRecvError::Empty) if pace.step(&mut log) => continue,
            Err(_) => commands.recv().await,
        };
        let Some(first) = next else { break };
        tokio::time::sleep(latency).await;
        if let Some(reply) = pace.serve(&mut log, first, &mut commands) {
            return close(log, Some(reply));
        }
    }
    close(log, None);
}

/// Upkeep is done while nothing else is to be done; but it does not fall behind for ever.
#[derive(Debug, Default)]
struct Pace {
    /// Written since the last step of upkeep.
    bytes: usize,
}

impl Pace {
    fn step<D: Disk>(&mut self, log: &mut Log<D>) -> bool {
        self.bytes = 0;
        log.upkeep()
    }

    fn serve<D: Disk>(
        &mut self,
        log: &mut Log<D>,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Option<oneshot::Sender<io::Result<()>>> {
        if self.bytes >= WRITE_BYTES_MAX {
            self.step(log);
        }
        let (bytes, closing) = serve(log, first, commands);
        self.bytes += bytes;
        closing
    }
}

/// Does what is asked for. Requests that came while the disk worked are written together. How many bytes they had, and
/// where to say that the log is closed, if that was asked for.
fn serve<D: Disk>(
    log: &mut Log<D>,
    first: Command,
    commands: &mut mpsc::Receiver<Command>,
) -> (usize, Option<oneshot::Sender<io::Result<()>>>) {
    let mut records = Vec::new();
    let mut replies = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    let mut closing = None;
    while let Some(command) = next {
        match command {
            Command::Append(record, reply) => {
                bytes += record.context.len() + record.body.len();
                records.push(record);
                replies.push(reply);
            }
            Command::Note => log.note(),
            Command::Tick => log.tick(),
            Command::Close(reply) => {
                closing = Some(reply);
                break;
            }
        }
        next = if bytes < WRITE_BYTES_MAX { commands.try_recv().ok() } else { None };
    }
    // It may have become more, without a command.
    log.note();
    let results = log.append(records);
    for (reply, result) in replies.into_iter().zip(results) {
        reply.send(result).ok();
    }
    (bytes, closing)
}

fn close<D: Disk>(mut log: Log<D>, reply: Option<oneshot::Sender<io::Result<()>>>) {
    let closed = log.close();
    // Whoever waits for it may open the directory at once.
    drop(log);
    // Nobody may be there any more who could be told.
    if let Some(reply) = reply {
        reply.send(closed).ok();
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

impl<F> Clone for Store<F> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), commands: self.commands.clone() }
    }
}

impl<F> fmt::Debug for Store<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("totals", &self.shared.index().account.totals).finish_non_exhaustive()
    }
}
