//! mdBook.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use mdbook_driver::MDBook;

/// What opens a file for the person who asks, on the systems there are.
const OPENERS: [&str; 3] = ["xdg-open", "open", "wslview"];

#[derive(Debug, thiserror::Error)]
enum RenderError {
    #[error("xtask/ is not in a folder")]
    Place,
    #[error("no browser was found; open {}", .0.display())]
    NoBrowser(PathBuf),
}

pub(super) fn render(is_shown: bool) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or(RenderError::Place)?;
    let folder = root.join("book");
    MDBook::load(&folder)?.build()?;
    let page = folder.join("book/index.html");
    say(&format!("{}", page.display()));
    if is_shown { open(&page) } else { Ok(()) }
}

fn open(page: &Path) -> Result<(), Box<dyn Error>> {
    let opens =
        |program: &&&str| Command::new(program).arg(page).status().is_ok_and(|status| status.success());
    match OPENERS.iter().find(opens) {
        Some(_) => Ok(()),
        None => Err(RenderError::NoBrowser(page.to_owned()).into()),
    }
}

#[expect(clippy::print_stdout, reason = "where the book is, is what the task is asked for")]
fn say(text: &str) {
    println!("{text}");
}
