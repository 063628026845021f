//! How much memory the process may use, as the operating system tells it.

use std::io;
use std::path::{Path, PathBuf};

/// The memory cannot be found out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TotalError {
    #[error("failed to get total memory, use fixed memory settings (limit_mib): cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to get total memory, use fixed memory settings (limit_mib): {path} does not tell it")]
    Untold { path: PathBuf },
}

/// Bytes that the process may use: the least limit of its control groups, of version 1 or 2, or all that the machine
/// has. `root` is `/`.
pub(crate) fn total(root: &Path) -> Result<u64, TotalError> {
    let machine = machine(root)?;
    Ok(control_group(root).map_or(machine, |limit| limit.min(machine)))
}

/// `MemTotal` of proc(5) `/proc/meminfo`, which is in kibibytes.
fn machine(root: &Path) -> Result<u64, TotalError> {
    let path = root.join("proc/meminfo");
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|source| TotalError::Read { path: path.clone(), source })?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or(TotalError::Untold { path })
}

/// The least limit of the groups of the process and of those above them; nothing where there is none. See cgroups(7).
fn control_group(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        match controllers {
            "" => least(&root.join("sys/fs/cgroup"), group, "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                least(&root.join("sys/fs/cgroup/memory"), group, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.min()
}

/// The least number in `file` of a group and of those above it. In a container, the path that the process is told may
/// not be there: the container's own group is mounted at `mount` then.
fn least(mount: &Path, group: &str, file: &str) -> Option<u64> {
    let group = mount.join(group.trim_start_matches('/'));
    let folders = group.ancestors().take_while(|folder| folder.starts_with(mount));
    let limit = |folder: &Path| std::fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok();
    folders.filter_map(limit).min()
}
