//! The only unsafe file: making a process, reaping one, and taking over descriptors after a re-exec.
//! It knows C strings and numbers; what they mean is decided elsewhere.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc;

use super::protocol::{End, Usage};

/// What is executed, ready for a child that may not allocate.
#[derive(Debug)]
pub(super) struct Image {
    /// Tried in order until one is there.
    pub(super) programs: Vec<CString>,
    pub(super) argv: Vec<CString>,
    pub(super) env: Vec<CString>,
    pub(super) cwd: CString,
    pub(super) identity: Option<Identity>,
    /// The soft limit of open files that the child gets back.
    pub(super) open_files: (u64, u64),
}

/// Whom the child becomes.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
}

/// What the child could not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Stage {
    Session = 1,
    Descriptors,
    Limits,
    Groups,
    Gid,
    Uid,
    Directory,
    Exec,
}

const STAGES: [Stage; 8] = [
    Stage::Session,
    Stage::Descriptors,
    Stage::Limits,
    Stage::Groups,
    Stage::Gid,
    Stage::Uid,
    Stage::Directory,
    Stage::Exec,
];

/// Where the child was stopped; `stage` is `None` if there was no child.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) stage: Option<Stage>,
    pub(super) error: io::Error,
}

/// Shared with the child even when it has its own copy of everything else.
#[repr(C)]
struct Report {
    stage: AtomicI32,
    errno: AtomicI32,
}

/// Makes processes. One per thread that does so; the thread has all signals blocked.
#[derive(Debug)]
pub(super) struct Forge {
    report: *mut Report,
    stack: Vec<u128>,
}

// SAFETY: the mapping belongs to this Forge alone and is never unmapped; any one thread may use it.
unsafe impl Send for Forge {}

struct Plan {
    report: *const Report,
    stdio: [RawFd; 3],
    programs: Vec<*const c_char>,
    argv: Vec<*const c_char>,
    env: Vec<*const c_char>,
    image: *const Image,
    parent: libc::pid_t,
}

impl Forge {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a fresh anonymous mapping of one Report, page-aligned and zeroed, which is a valid value.
        let report = unsafe {
            libc::mmap(
                ptr::null_mut(),
                size_of::<Report>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if report == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { report: report.cast(), stack: vec![0; 4096] })
    }

    /// Starts the image in a session of its own; returns when it has been executed, or has failed.
    ///
    /// The child runs on this thread's memory while this thread waits (as `posix_spawn` does it), which
    /// spares copying page tables. One that becomes another user gets a copy instead: that user could
    /// otherwise signal a process that shares the keeper's memory.
    pub(super) fn spawn(
        &mut self,
        image: &Image,
        stdio: [BorrowedFd<'_>; 3],
    ) -> Result<(i32, OwnedFd), Failure> {
        let pointers = |texts: &[CString]| -> Vec<*const c_char> {
            texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
        };
        let plan = Plan {
            report: self.report,
            stdio: stdio.map(|fd| fd.as_raw_fd()),
            programs: pointers(&image.programs),
            argv: pointers(&image.argv),
            env: pointers(&image.env),
            image,
            parent: std::process::id().cast_signed(),
        };
        // SAFETY: the mapping made in `new`; the last child has executed or is gone.
        let report = unsafe { &*self.report };
        report.stage.store(0, Ordering::Relaxed);
        let mut pidfd: c_int = -1;
        let memory = if image.identity.is_some() { 0 } else { libc::CLONE_VM };
        let flags = memory | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: `child` gets a stack of its own that nobody else uses meanwhile, and a plan that outlives
        // it: CLONE_VFORK holds this thread until the child has executed or exited. It makes only
        // async-signal-safe calls, allocates nothing and never returns into Rust frames of this thread.
        let pid = unsafe {
            let top = self.stack.as_mut_ptr().add(self.stack.len());
            libc::clone(child, top.cast(), flags, ptr::from_ref(&plan).cast_mut().cast(), &raw mut pidfd)
        };
        if pid < 0 {
            return Err(Failure { stage: None, error: io::Error::last_os_error() });
        }
        // SAFETY: CLONE_PIDFD has put a new descriptor there that nobody else owns.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        let stage = report.stage.load(Ordering::Acquire);
        let Some(&stage) = STAGES.iter().find(|known| **known as i32 == stage) else {
            return Ok((pid, pidfd));
        };
        // It has exited; nobody else knows its pid, so this does not take anyone's child away.
        let _ = reap(Who::Child(pid), true);
        Err(Failure {
            stage: Some(stage),
            error: io::Error::from_raw_os_error(report.errno.load(Ordering::Acquire)),
        })
    }
}

/// The child, between clone and exec. Raw calls only: the C library's own `setuid` and its like would
/// signal all threads of what it believes to be this process.
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes a Plan that outlives the child; all pointers in it are valid and
    // null-terminated where the calls want that; every call is async-signal-safe.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        let image = &*plan.image;
        let fail = |stage: Stage| -> ! {
            let report = &*plan.report;
            report.errno.store(*libc::__errno_location(), Ordering::Relaxed);
            report.stage.store(stage as i32, Ordering::Release);
            libc::_exit(127)
        };
        let check = |done: bool, stage: Stage| {
            if !done {
                fail(stage);
            }
        };
        check(libc::setsid() >= 0, Stage::Session);
        for (target, source) in (0..).zip(plan.stdio) {
            check(libc::dup2(source, target) >= 0, Stage::Descriptors);
        }
        let (soft, hard) = image.open_files;
        let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0, Stage::Limits);
        if let Some(identity) = &image.identity {
            let groups = (identity.groups.len(), identity.groups.as_ptr());
            check(libc::syscall(libc::SYS_setgroups, groups.0, groups.1) == 0, Stage::Groups);
            check(libc::syscall(libc::SYS_setgid, identity.gid) == 0, Stage::Gid);
            check(libc::syscall(libc::SYS_setuid, identity.uid) == 0, Stage::Uid);
        }
        // If the keeper is killed now, this must not come to life later: its successor could not see it.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != plan.parent {
            libc::_exit(127);
        }
        check(libc::chdir(image.cwd.as_ptr()) == 0, Stage::Directory);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        libc::prctl(libc::PR_SET_PDEATHSIG, 0);
        // As execvp: what is not there is passed over, a file that may not be run is remembered.
        let mut denied = false;
        for program in plan.programs.iter().take_while(|program| !program.is_null()) {
            libc::execve(*program, plan.argv.as_ptr(), plan.env.as_ptr());
            match *libc::__errno_location() {
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => denied = true,
                _ => fail(Stage::Exec),
            }
        }
        *libc::__errno_location() = if denied { libc::EACCES } else { libc::ENOENT };
        fail(Stage::Exec)
    }
}

/// Whom to reap.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// One child of this process.
    Child(i32),
    /// Any child of the calling thread, not those of other threads.
    OfThisThread,
}

/// What reaping found.
#[derive(Debug)]
pub(super) enum Reaped {
    /// A child that had ended.
    One { pid: i32, end: End, usage: Usage },
    /// There are such children, none has ended.
    Running,
    /// There are none.
    None,
}

/// Reaps, waiting only if `wait`.
pub(super) fn reap(who: Who, wait: bool) -> Reaped {
    const OF_THIS_THREAD: c_int = 0x2000_0000; // __WNOTHREAD, which the libc crate gives another type
    let (pid, flags) = match who {
        Who::Child(pid) => (pid, 0),
        Who::OfThisThread => (-1, OF_THIS_THREAD),
    };
    let mut status = 0;
    // SAFETY: all zeroes is a valid rusage, and wait4 only writes to the two places it is given.
    let (found, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let flags = flags | if wait { 0 } else { libc::WNOHANG };
        let found = loop {
            let found = libc::wait4(pid, &raw mut status, flags, &raw mut usage);
            if found >= 0 || *libc::__errno_location() != libc::EINTR {
                break found;
            }
        };
        (found, usage)
    };
    if found < 0 {
        return Reaped::None;
    }
    if found == 0 {
        return Reaped::Running;
    }
    let millis = |time: libc::timeval| (time.tv_sec * 1000 + time.tv_usec / 1000).cast_unsigned();
    let end = if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Code(libc::WEXITSTATUS(status))
    };
    let usage = Usage {
        user_ms: millis(usage.ru_utime),
        system_ms: millis(usage.ru_stime),
        max_rss: usage.ru_maxrss.cast_unsigned() * 1024,
    };
    Reaped::One { pid: found, end, usage }
}

/// Gives every signal its default disposition, so that children inherit no ignored one (an exec resets
/// handlers, but not what is ignored), and marks every descriptor above 2 close-on-exec.
pub(super) fn clean_process() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default disposition runs no code of ours. SIGKILL, SIGSTOP and the C library's own
        // are refused, which is right. The handlers that catch stack overflows are left alone.
        unsafe {
            if signal != libc::SIGSEGV && signal != libc::SIGBUS {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
    }
    // SAFETY: only flags change. An old kernel refuses; then the starter's own care has to do.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

/// Takes over a descriptor that the program before this one has left open for it.
pub(super) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl on a number is harmless; it tells whether the descriptor is open. The predecessor's
    // state names each descriptor once, and nothing else in this process knows of it.
    unsafe {
        if libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}
