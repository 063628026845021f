//! `cargo xtask book`: renders the book.
//!
//! mdBook is behind the feature `book`, so that nothing else waits for it to compile. Without the feature,
//! this program runs itself again with it.

#[cfg(not(feature = "book"))]
mod again;
#[cfg(feature = "book")]
mod render;

use std::error::Error;

#[cfg(not(feature = "book"))]
use self::again::render;
#[cfg(feature = "book")]
use self::render::render;

/// Renders the book; `--open` also shows it.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] => render(false),
        ["--open"] => render(true),
        _ => Err("usage: cargo xtask book [--open]".into()),
    }
}
