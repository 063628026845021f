//! `cargo xtask book`: renders the book.
//!
//! mdBook is behind the feature `book`, so that nothing else waits for it to compile. Without the feature,
//! this program runs itself again with it.

#[cfg(feature = "book")]
mod render;

use std::error::Error;

/// Renders the book; `--open` also shows it.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] => render(false),
        ["--open"] => render(true),
        _ => Err("usage: cargo xtask book [--open]".into()),
    }
}

#[cfg(feature = "book")]
use self::render::render;

#[cfg(not(feature = "book"))]
fn render(is_shown: bool) -> Result<(), Box<dyn Error>> {
    crate::again::with("book", if is_shown { &["book", "--open"] } else { &["book"] })
}
