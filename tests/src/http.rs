//! HTTP/1.1 as far as the tests need it: one request a connection, and bodies of known length or in
//! chunks.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::WAIT;

/// An answer, or a request: the first line's second word is the status or the path.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A message as both sides write it.
pub(crate) struct Message {
    pub(crate) first_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

impl Message {
    /// An answer, by its first line.
    pub(crate) fn into_answer(self) -> io::Result<Answer> {
        let Self { first_line, headers, body } = self;
        let status = first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok(Answer { status: status.ok_or(io::ErrorKind::InvalidData)?, headers, body })
    }
}

/// `GET`.
///
/// # Panics
///
/// When there is no answer that can be read; so does [`post`].
pub fn get(to: SocketAddr, path: &str) -> Answer {
    try_get(to, path).unwrap_or_else(|error| panic!("GET {path} from {to}: {error}"))
}

/// As [`get`], for a peer that may be gone.
pub fn try_get(to: SocketAddr, path: &str) -> io::Result<Answer> {
    request(to, &format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n"), &[])
}

/// `POST` with a body of a content type.
pub fn post(to: SocketAddr, path: &str, content_type: &str, body: &[u8]) -> Answer {
    try_post(to, path, content_type, body).unwrap_or_else(|error| panic!("POST {path} to {to}: {error}"))
}

/// As [`post`], for a peer that may be gone.
pub fn try_post(to: SocketAddr, path: &str, content_type: &str, body: &[u8]) -> io::Result<Answer> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    request(to, &head, body)
}

/// Sends a request as it is written here, on a connection of its own, and reads the answer to it. What is
/// not in `body` is not sent, whatever `head` announces.
pub fn request(to: SocketAddr, head: &str, body: &[u8]) -> io::Result<Answer> {
    let mut stream = connect(to)?;
    // A peer that answers before it has read all may close the connection under what is still on its way.
    let written = stream.write_all(&[head.as_bytes(), body].concat());
    match read(&mut BufReader::new(stream))? {
        Some(message) => message.into_answer(),
        None => Err(written.err().unwrap_or(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// One connection over which one request after the other is sent, and a new one when the peer has closed it.
#[derive(Debug)]
pub struct HttpRequests {
    to: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl HttpRequests {
    /// Not connected yet.
    pub fn to(to: SocketAddr) -> Self {
        Self { to, stream: None }
    }

    /// `POST` with these header fields besides those that each request has.
    ///
    /// # Errors
    /// There is no answer.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(open) => open,
            None => BufReader::new(connect(self.to)?),
        };
        let mut head =
            format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.to, body.len());
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // A peer that answers before it has read all may close the connection under what is still on its way.
        let written =
            stream.get_mut().write_all(head.as_bytes()).and_then(|()| stream.get_mut().write_all(body));
        let Some(message) = read(&mut stream)? else {
            return Err(written.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
        };
        let answer = message.into_answer()?;
        if written.is_ok() && !answer.header("connection").is_some_and(|value| value.contains("close")) {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    Ok(stream)
}

/// The next message of a connection; none when the peer has closed it instead.
pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Message>> {
    let first_line = line(stream)?;
    if first_line.is_empty() {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut body = Vec::new();
    if find(&headers, "transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = usize::from_str_radix(line(stream)?.split(';').next().unwrap_or_default(), 16)
                .map_err(|_| io::ErrorKind::InvalidData)?;
            let end = body.len() + size;
            body.resize(end, 0);
            stream.read_exact(&mut body[end - size..])?;
            line(stream)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = find(&headers, "content-length") {
        let length: u64 = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        stream.take(length).read_to_end(&mut body)?;
    }
    Ok(Some(Message { first_line, headers, body }))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}

pub(crate) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}
