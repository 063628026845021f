//! `cargo xtask chaos`: collectors that are killed, stopped, reloaded, left without space and overloaded, under load.
//!
//! The loops are those of the tests (`tests/src/rig`); here they run as often as one likes, on an optimised binary, and
//! leave evidence. They are behind the feature `chaos`; without it, this program runs itself again with it.

#[cfg(feature = "chaos")]
mod command;

#[cfg(feature = "chaos")]
pub(crate) use self::command::run;

/// Runs `chaos` with the arguments that follow that word.
#[cfg(not(feature = "chaos"))]
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    crate::again::with("chaos,proto,telemetry", &[&["chaos"], arguments].concat())
}
