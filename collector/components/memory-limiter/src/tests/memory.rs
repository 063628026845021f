//! How much memory there is.

use std::path::Path;

use crate::total::total;

const KIB: u64 = 1024;

/// A machine of 4 GiB with these files besides.
fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let meminfo = ("proc/meminfo", "MemTotal:        4194304 kB\nMemFree: 1 kB\n");
    for (path, text) in files.iter().chain([&meminfo]) {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn without_control_groups_it_is_that_of_the_machine() {
    assert_eq!(total(machine(&[]).path()).unwrap(), 4 * KIB * KIB * KIB);
    let unlimited = machine(&[("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "max\n")]);
    assert_eq!(total(unlimited.path()).unwrap(), 4 * KIB * KIB * KIB);
}

#[test]
fn of_version_2_the_least_limit_of_the_group_and_of_those_above_it_counts() {
    let files = [
        ("proc/self/cgroup", "0::/a/b\n"),
        ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ("sys/fs/cgroup/a/memory.max", "1048576\n"),
        ("sys/fs/cgroup/memory.max", "2097152\n"),
    ];
    assert_eq!(total(machine(&files).path()).unwrap(), KIB * KIB);
}

#[test]
fn of_version_1_the_group_of_the_memory_controller_counts() {
    let files = [
        ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n"),
        ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
    ];
    assert_eq!(total(machine(&files).path()).unwrap(), KIB * KIB);
}

#[test]
fn in_a_container_the_group_that_is_mounted_counts() {
    let files = [
        ("proc/self/cgroup", "4:memory:/docker/0123\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1048576\n"),
    ];
    assert_eq!(total(machine(&files).path()).unwrap(), KIB * KIB);
}

#[test]
fn what_cannot_be_found_out_is_an_error_that_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let told = total(empty.path()).unwrap_err().to_string();
    assert!(told.starts_with("failed to get total memory, use fixed memory settings (limit_mib)"), "{told}");
    assert!(total(Path::new("/")).is_ok(), "here it can");
}
