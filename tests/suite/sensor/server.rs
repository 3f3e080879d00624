//! A small web server: it answers as it is told to, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(in crate::suite) struct Asked {
    pub(in crate::suite) method: String,
    pub(in crate::suite) path: String,
    headers: Vec<(String, String)>,
}

impl Asked {
    pub(in crate::suite) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub(in crate::suite) struct Reply {
    pub(in crate::suite) status: u16,
    pub(in crate::suite) headers: Vec<(&'static str, String)>,
    pub(in crate::suite) body: String,
}

/// One with this status, and nothing else.
pub(in crate::suite) fn status(status: u16) -> Reply {
    Reply { status, ..Reply::default() }
}

pub(in crate::suite) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// `answer` is told which request it is, from 0, and may keep it waiting as long as it likes.
    pub(in crate::suite) fn start(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (kept, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), kept, answer) = (stream, kept.clone(), answer.clone()) else { return };
                std::thread::spawn(move || serve(&stream, &kept, &*answer));
            }
        });
        Self { address, asked }
    }

    pub(in crate::suite) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(in crate::suite) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// An address that nobody listens at.
pub(in crate::suite) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn serve(stream: &TcpStream, kept: &Mutex<Vec<Asked>>, answer: &dyn Fn(usize, &Asked) -> Reply) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(first)) = lines.next() {
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let headers = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty());
        let headers = headers.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        });
        let asked = Asked { method, path, headers: headers.collect() };
        let number = {
            let mut kept = kept.lock().unwrap();
            kept.push(asked.clone());
            kept.len() - 1
        };
        let reply = answer(number, &asked);
        let length = if asked.method == "HEAD" { 0 } else { reply.body.len() };
        let mut headers = reply.headers.clone();
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            headers.push(("content-length", length.to_string()));
        }
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!("HTTP/1.1 {} x\r\n{headers}\r\n{}", reply.status, &reply.body[..length]);
        let closes = reply.headers.iter().any(|header| *header == ("connection", "close".to_owned()));
        if (&*stream).write_all(text.as_bytes()).is_err() || closes {
            return;
        }
    }
}
