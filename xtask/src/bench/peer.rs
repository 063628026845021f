//! The forwarders that are compared: ours, two proxies, and any other given as a command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::content::Signal;
use super::error::Error;
use super::load::{Compress, Protocol};

/// A forwarder: a command and a configuration, with variables in braces (see [`Variables`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) name: String,
    command: Vec<String>,
    config: Config,
    /// Level at which it compresses; 0 is its default.
    level: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Config {
    None,
    BuiltIn { grpc: &'static str, http: &'static str, extension: &'static str },
    File { text: String, extension: String },
}

/// The peers that a command line asks for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PeerArgs {
    /// Peers that are built in: etalon, nginx, haproxy, go; etalon-anew, which compresses what already is compressed
    /// anew, at level 1; etalon-queue, and etalon-batch, which joins what is in its queue. One that is missing here is skipped
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "etalon,nginx,haproxy")]
    peers: Vec<String>,
    /// Any other forwarder: its command, with {listen}, {upstream}, {config} and other variables, without
    /// a shell. May be repeated
    #[arg(long = "peer", value_name = "NAME=COMMAND")]
    more: Vec<String>,
    /// Template of a peer's configuration, with the same variables; of a built-in peer it replaces ours.
    /// May be repeated
    #[arg(long = "peer-config", value_name = "NAME=FILE")]
    configs: Vec<String>,
    /// Peer that writes payloads anew, so that only items are compared, not content. May be repeated
    #[arg(long = "counts-only", value_name = "NAME")]
    pub(crate) counts_only: Vec<String>,
    #[command(flatten)]
    programs: Programs,
}

/// Where the built-in peers are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The etalon to measure
    #[arg(long, value_name = "FILE", default_value_os_t = in_target("release/etalon"))]
    etalon: PathBuf,
    /// The nginx to measure
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// The haproxy to measure
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/haproxy")]
    haproxy: PathBuf,
    /// The Go collector to measure
    #[arg(long, value_name = "FILE", default_value_os_t = in_target("go-collector/distribution/go-collector"))]
    go: PathBuf,
}

fn in_target(path: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    target.join(path)
}

/// A peer that cannot run here, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) why: String,
}

impl PeerArgs {
    /// The peers that can run here, and those that cannot.
    pub(crate) fn resolve(&self) -> Result<(Vec<Peer>, Vec<Skipped>), Error> {
        let mut all = Vec::new();
        for name in self.peers.iter().filter(|name| !name.is_empty()) {
            all.push(self.programs.peer(name)?);
        }
        for text in &self.more {
            all.push(custom(text)?);
        }
        for (at, peer) in all.iter().enumerate() {
            if all[..at].iter().any(|other| other.name == peer.name) {
                return Err(Error::PeerTwice(peer.name.clone()));
            }
        }
        for text in &self.configs {
            let (name, file) = text.split_once('=').ok_or_else(|| Error::PeerConfigSyntax(text.clone()))?;
            let peer = all.iter_mut().find(|peer| peer.name == name);
            let peer = peer.ok_or_else(|| Error::PeerConfigOrphan(name.to_owned()))?;
            let path = PathBuf::from(file);
            let text =
                fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
            let extension =
                path.extension().map_or_else(|| "conf".into(), |end| end.to_string_lossy().into_owned());
            peer.config = Config::File { text, extension };
        }
        if let Some(peer) = all.iter().find(|peer| peer.lacks_config()) {
            return Err(Error::NoConfig(peer.name.clone()));
        }
        Ok(installed(all))
    }
}

/// The peers that can run here, and those that cannot.
pub(crate) fn installed(all: Vec<Peer>) -> (Vec<Peer>, Vec<Skipped>) {
    let (found, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(Peer::is_installed);
    let skipped = missing.into_iter().map(|peer| Skipped { why: peer.missing(), name: peer.name });
    (found, skipped.collect())
}

/// Whether a built-in peer writes payloads anew, so that only items are compared.
pub(crate) fn rewrites(name: &str) -> bool {
    name == "go"
}

impl Programs {
    /// The built-in peer of a name.
    pub(crate) fn peer(&self, name: &str) -> Result<Peer, Error> {
        // The Go collector takes the same configuration: that is a promise of ours.
        let collector = Config::BuiltIn {
            grpc: include_str!("templates/collector-grpc.yaml"),
            http: include_str!("templates/collector-http.yaml"),
            extension: "yaml",
        };
        let (program, arguments, config): (_, &[&str], _) = match name {
            "etalon" | "etalon-anew" => (&self.etalon, &["--config", "{config}"], collector),
            "etalon-queue" => (
                &self.etalon,
                &["--config", "{config}"],
                yaml(include_str!("templates/collector-queue.yaml")),
            ),
            "etalon-batch" => (
                &self.etalon,
                &["--config", "{config}"],
                yaml(include_str!("templates/collector-batch.yaml")),
            ),
            "go" => (&self.go, &["--config", "{config}"], collector),
            "nginx" => (
                &self.nginx,
                &["-e", "stderr", "-p", "{dir}", "-c", "{config}"],
                Config::BuiltIn {
                    grpc: include_str!("templates/nginx-grpc.conf"),
                    http: include_str!("templates/nginx-http.conf"),
                    extension: "conf",
                },
            ),
            "haproxy" => (
                &self.haproxy,
                &["-db", "-q", "-f", "{config}"],
                Config::BuiltIn {
                    grpc: include_str!("templates/haproxy-grpc.cfg"),
                    http: include_str!("templates/haproxy-http.cfg"),
                    extension: "cfg",
                },
            ),
            _ => return Err(Error::UnknownPeer(name.to_owned())),
        };
        let mut command = vec![program.to_string_lossy().into_owned()];
        command.extend(arguments.iter().map(|&argument| argument.to_owned()));
        Ok(Peer { name: name.to_owned(), command, config, level: u8::from(name == "etalon-anew") })
    }

    /// A collector with a queue in memory of 64 MiB, over gRPC.
    pub(crate) fn queueing(&self, name: &str) -> Result<Peer, Error> {
        Ok(Peer { config: yaml(include_str!("templates/collector-queue.yaml")), ..self.peer(name)? })
    }

    /// A collector with a limit of 64 MiB for its memory.
    pub(crate) fn limited(&self, name: &str) -> Result<Peer, Error> {
        let config = Config::BuiltIn {
            grpc: include_str!("templates/collector-limited-grpc.yaml"),
            http: include_str!("templates/collector-limited-http.yaml"),
            extension: "yaml",
        };
        Ok(Peer { config, ..self.peer(name)? })
    }

    /// A collector with a queue on disk, in the folder of the measurement, over gRPC.
    pub(crate) fn storing(&self, name: &str) -> Result<Peer, Error> {
        Ok(Peer { config: yaml(include_str!("templates/collector-store.yaml")), ..self.peer(name)? })
    }
}

fn yaml(text: &str) -> Config {
    Config::File { text: text.to_owned(), extension: "yaml".into() }
}

fn custom(text: &str) -> Result<Peer, Error> {
    let parts = text.split_once('=').and_then(|(name, command)| Some((name, words(command)?)));
    match parts {
        Some((name, command)) if !command.is_empty() && is_name(name) => {
            Ok(Peer { name: name.to_owned(), command, config: Config::None, level: 0 })
        }
        _ => Err(Error::PeerSyntax(text.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// Splits a command at spaces; quotes, single or double, hold a word together. `None` when one is open.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

impl Peer {
    fn lacks_config(&self) -> bool {
        self.config == Config::None && self.command.iter().any(|word| word.contains("{config}"))
    }

    fn is_installed(&self) -> bool {
        let program = Path::new(&self.command[0]);
        if program.components().count() > 1 {
            return program.is_file();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    }

    fn missing(&self) -> String {
        let hint = match self.name.as_str() {
            name if name.starts_with("etalon") => "; build it with `cargo build --release -p etalon`",
            "go" => "; `cargo xtask test` builds it",
            _ => "",
        };
        format!("there is no {}{hint}", self.command[0])
    }

    /// Writes the configuration into the folder of `variables`, and returns the command that uses it.
    pub(crate) fn prepare(&self, variables: &Variables) -> Result<Vec<String>, Error> {
        let mut values = variables.values();
        values.insert("level", self.level.to_string());
        let template = match &self.config {
            Config::None => None,
            Config::BuiltIn { grpc, extension, .. } if variables.protocol == Protocol::Grpc => {
                Some((*grpc, *extension))
            }
            Config::BuiltIn { http, extension, .. } => Some((*http, *extension)),
            Config::File { text, extension } => Some((text.as_str(), extension.as_str())),
        };
        if let Some((template, extension)) = template {
            let path = variables.folder.join(format!("{}.{extension}", self.name));
            let text = fill(&self.name, template, &values)?;
            fs::write(&path, text).map_err(|source| Error::Write { path: path.clone(), source })?;
            values.insert("config", path.to_string_lossy().into_owned());
        }
        self.command.iter().map(|word| fill(&self.name, word, &values)).collect()
    }
}

/// What templates may ask for.
#[derive(Clone, Debug)]
pub(crate) struct Variables {
    /// Folder for the peer's files, written as {dir}.
    pub(crate) folder: PathBuf,
    /// Port on 127.0.0.1 where the peer must listen: {listen} with the address, or {`listen_port`}.
    pub(crate) listen_port: u16,
    /// Port on 127.0.0.1 of the sink: {upstream} with the address, or {`upstream_port`}.
    pub(crate) upstream_port: u16,
    /// One more port that is free: {`free_port`}.
    pub(crate) free_port: u16,
    pub(crate) signal: Signal,
    pub(crate) protocol: Protocol,
    /// What it sends on: {compress}; and {level} is the level.
    pub(crate) compress: Compress,
    /// Requests in flight, all connections together.
    pub(crate) in_flight: u32,
    /// A buffer size, bytes, that the largest request fits in: {`body_buffer`}.
    pub(crate) body_buffer: usize,
}

impl Variables {
    fn values(&self) -> BTreeMap<&'static str, String> {
        // nginx as root gives its worker another user, who cannot reach the folder.
        let nginx_user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        BTreeMap::from([
            ("dir", self.folder.to_string_lossy().into_owned()),
            ("listen", format!("127.0.0.1:{}", self.listen_port)),
            ("listen_port", self.listen_port.to_string()),
            ("upstream", format!("127.0.0.1:{}", self.upstream_port)),
            ("upstream_port", self.upstream_port.to_string()),
            ("free_port", self.free_port.to_string()),
            ("signal", self.signal.name().to_owned()),
            ("protocol", self.protocol.name().to_owned()),
            ("compress", self.compress.name().to_owned()),
            ("in_flight", self.in_flight.to_string()),
            ("body_buffer", self.body_buffer.to_string()),
            ("nginx_user", nginx_user.to_owned()),
        ])
    }
}

/// Replaces each `{name}`. Braces around anything else than lower-case letters and `_`, and those behind
/// a `$`, belong to the text. An unknown name is an error: it would be a typing mistake.
fn fill(peer: &str, template: &str, values: &BTreeMap<&'static str, String>) -> Result<String, Error> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let name = after[1..].split_once('}').map(|(name, _)| name).filter(|name| {
            !name.is_empty()
                && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                && !before.ends_with('$')
        });
        let Some(name) = name else {
            out.push('{');
            rest = &after[1..];
            continue;
        };
        let value = values.get(name).ok_or_else(|| Error::Variable {
            name: peer.to_owned(),
            variable: name.to_owned(),
            known: values.keys().copied().collect::<Vec<_>>().join(", "),
        })?;
        out.push_str(value);
        rest = &after[name.len() + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests;
