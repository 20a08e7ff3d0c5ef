/* A loopback server for benchmarks: one thread, epoll, HTTP/1.1 with kept-alive connections, fixed answers.

   Comes in: the answers, in a file named by the only argument, one after the other: a line `PART WHOLE STREAMED`
   (a part of a path in lower case, and two sizes in bytes), then as many bytes of each. Goes out: the port, as a line;
   then it serves until its standard input ends, which it does with its parent.

   A POST is answered by the first part that its path has in it, else by the first answer of all; streamed where
   the path says `stream` or the body `"stream":true`. A path that begins with /after/MS is answered MS milliseconds
   later. A GET is answered with the body of the last POST, whose path stands in the header `x-path`.

   It looks at nothing else, and serves programs that are known: what it cannot read closes the connection. */

#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ANSWERS = 32, MOST_CONNECTIONS = 8192, MOST_EVENTS = 256, MOST_WAITING = 8192, LEAST_ROOM = 65536 };

typedef struct {
    char *bytes;
    size_t size;
} Text;

typedef struct {
    char part[64];
    Text whole, streamed;
} Answer;

typedef struct {
    int is_open, is_last, is_waiting;
    unsigned number; /* tells one connection from a later one with the same descriptor */
    char *read;      /* what came and is not answered yet */
    size_t size, room;
    Text out; /* what is being written */
    size_t written;
    char *owned; /* `out`, where it is to be freed */
} Connection;

typedef struct {
    int64_t due_ns;
    int descriptor;
    unsigned number;
} Waiting;

static Answer answers[MOST_ANSWERS];
static int answer_count;
static Connection connections[MOST_CONNECTIONS];
static unsigned connection_count;
static Waiting waiting[MOST_WAITING]; /* the latest first */
static int waiting_count;
static char last_path[1024] = "/";
static Text last_body;
static int events_of, timer;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *room_for(void *bytes, size_t size) {
    void *found = realloc(bytes, size);
    if (found == NULL) fail("no memory");
    return found;
}

/* -- answers -- */

static Text read_answer(FILE *file, size_t size) {
    static const char status[] = "HTTP/1.1 200 OK\r\n";
    size_t begin = sizeof status - 1;
    Text text = {room_for(NULL, begin + size), begin + size};
    memcpy(text.bytes, status, begin);
    if (fread(text.bytes + begin, 1, size, file) != size) fail("the file of answers is cut");
    return text;
}

static void read_answers(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path);
    char line[256];
    size_t whole, streamed;
    while (answer_count < MOST_ANSWERS && fgets(line, sizeof line, file) != NULL) {
        Answer *answer = &answers[answer_count++];
        if (sscanf(line, "%63s %zu %zu", answer->part, &whole, &streamed) != 3) fail("no line of an answer");
        answer->whole = read_answer(file, whole);
        answer->streamed = read_answer(file, streamed);
    }
    fclose(file);
    if (answer_count == 0) fail("no answers");
}

static Text answer_to(const char *path, const char *body, size_t size) {
    char lower[sizeof last_path];
    size_t length = 0;
    for (; path[length] != '\0'; length++) lower[length] = (char)tolower((unsigned char)path[length]);
    lower[length] = '\0';
    Answer *answer = &answers[0];
    for (int number = 0; number < answer_count; number++) {
        if (strstr(lower, answers[number].part) != NULL) {
            answer = &answers[number];
            break;
        }
    }
    int is_streamed = strstr(lower, "stream") != NULL || memmem(body, size, "\"stream\":true", 13) != NULL ||
                      memmem(body, size, "\"stream\": true", 14) != NULL;
    return is_streamed ? answer->streamed : answer->whole;
}

/* -- time -- */

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void wake_for_first(void) {
    struct itimerspec when = {{0, 0}, {0, 0}};
    if (waiting_count > 0) {
        int64_t due_ns = waiting[waiting_count - 1].due_ns;
        when.it_value.tv_sec = due_ns / 1000000000;
        when.it_value.tv_nsec = due_ns % 1000000000;
    }
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void wait_until(int descriptor, int64_t due_ns) {
    if (waiting_count == MOST_WAITING) fail("too many answers wait");
    int place = waiting_count++;
    for (; place > 0 && waiting[place - 1].due_ns <= due_ns; place--) waiting[place] = waiting[place - 1];
    waiting[place] = (Waiting){due_ns, descriptor, connections[descriptor].number};
    if (place == waiting_count - 1) wake_for_first();
}

/* -- connections -- */

static void hang_up(int descriptor) {
    Connection *connection = &connections[descriptor];
    free(connection->read);
    free(connection->owned);
    memset(connection, 0, sizeof *connection);
    close(descriptor);
}

static void listen_for(int descriptor, uint32_t kinds) {
    struct epoll_event event = {.events = kinds, .data.fd = descriptor};
    epoll_ctl(events_of, EPOLL_CTL_MOD, descriptor, &event);
}

/* Write what is left of the answer; return 1 when all of it is written. */
static int write_answer(int descriptor) {
    Connection *connection = &connections[descriptor];
    while (connection->written < connection->out.size) {
        ssize_t sent = send(descriptor, connection->out.bytes + connection->written,
                            connection->out.size - connection->written, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            listen_for(descriptor, EPOLLOUT);
            return 0;
        }
        if (sent < 0) {
            hang_up(descriptor);
            return 0;
        }
        connection->written += (size_t)sent;
    }
    free(connection->owned);
    connection->owned = NULL;
    connection->out = (Text){NULL, 0};
    if (connection->is_last) hang_up(descriptor);
    return connection->is_open;
}

static void answer_get(Connection *connection) {
    char *bytes = room_for(NULL, sizeof last_path + 128 + last_body.size);
    int head = sprintf(bytes, "HTTP/1.1 200 OK\r\nx-path: %s\r\ncontent-length: %zu\r\n\r\n", last_path, last_body.size);
    memcpy(bytes + head, last_body.bytes, last_body.size);
    connection->out = (Text){bytes, (size_t)head + last_body.size};
    connection->owned = bytes;
}

static void answer_post(Connection *connection, int descriptor, const char *path, const char *body, size_t size) {
    strcpy(last_path, path);
    last_body.bytes = room_for(last_body.bytes, size + 1);
    last_body.size = size;
    memcpy(last_body.bytes, body, size);
    connection->out = answer_to(path, body, size);
    long after_ms = 0;
    if (sscanf(path, "/after/%ld/", &after_ms) == 1 && after_ms > 0) {
        connection->is_waiting = 1;
        wait_until(descriptor, now_ns() + after_ms * 1000000);
    }
}

/* Take one request from what came; return 0 while it is not whole. */
static int take_request(int descriptor) {
    Connection *connection = &connections[descriptor];
    char method[8], path[sizeof last_path];
    char *end = connection->size == 0 ? NULL : memmem(connection->read, connection->size, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    *end = '\0';
    int has_line = sscanf(connection->read, "%7s %1023s", method, path) == 2;
    char *length = strcasestr(connection->read, "\r\ncontent-length:");
    int is_last = strcasestr(connection->read, "\r\nconnection: close") != NULL;
    *end = '\r';
    size_t head = (size_t)(end - connection->read) + 4, size = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    if (!has_line) {
        hang_up(descriptor);
        return 0;
    }
    if (connection->size < head + size) return 0;
    connection->is_last = is_last;
    connection->written = 0;
    if (strcmp(method, "POST") == 0) {
        answer_post(connection, descriptor, path, connection->read + head, size);
    } else {
        answer_get(connection);
    }
    connection->size -= head + size;
    memmove(connection->read, connection->read + head + size, connection->size);
    return 1;
}

/* Answer what came, one request after the other, until one waits or its answer cannot be written at once. */
static void go_on(int descriptor) {
    Connection *connection = &connections[descriptor];
    while (take_request(descriptor)) {
        if (connection->is_waiting || !write_answer(descriptor)) return;
    }
}

static void read_more(int descriptor) {
    Connection *connection = &connections[descriptor];
    if (connection->room - connection->size < LEAST_ROOM) {
        connection->room = connection->size + 2 * LEAST_ROOM;
        connection->read = room_for(connection->read, connection->room);
    }
    ssize_t came = recv(descriptor, connection->read + connection->size, connection->room - connection->size, 0);
    if (came < 0 && errno == EAGAIN) return;
    if (came <= 0) {
        hang_up(descriptor);
        return;
    }
    connection->size += (size_t)came;
    if (!connection->is_waiting && connection->out.bytes == NULL) go_on(descriptor);
}

static void answer_waiting(void) {
    uint64_t times;
    if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) fail("the timer");
    int64_t now = now_ns();
    while (waiting_count > 0 && waiting[waiting_count - 1].due_ns <= now) {
        Waiting one = waiting[--waiting_count];
        Connection *connection = &connections[one.descriptor];
        if (!connection->is_open || connection->number != one.number) continue;
        connection->is_waiting = 0;
        if (write_answer(one.descriptor)) go_on(one.descriptor);
    }
    wake_for_first();
}

static void take_connection(int listening) {
    int on = 1, descriptor = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (descriptor >= MOST_CONNECTIONS) {
        close(descriptor);
        return;
    }
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[descriptor] = (Connection){.is_open = 1, .number = ++connection_count};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(events_of, EPOLL_CTL_ADD, descriptor, &event);
}

static void serve_connection(struct epoll_event *event) {
    int descriptor = event->data.fd;
    if (!connections[descriptor].is_open) return;
    if (event->events & EPOLLOUT) {
        if (!write_answer(descriptor)) return;
        listen_for(descriptor, EPOLLIN);
        go_on(descriptor);
    } else {
        read_more(descriptor);
    }
}

/* -- the whole -- */

static int listen_on_loopback(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) < 0 || listen(listening, 4096) < 0) {
        fail("cannot listen on loopback");
    }
    getsockname(listening, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listening;
}

static void watch(int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (epoll_ctl(events_of, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("standard input must be a pipe");
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: %s ANSWERS\n", arguments[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    read_answers(arguments[1]);
    events_of = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (events_of < 0 || timer < 0) fail("no epoll, or no timer");
    int listening = listen_on_loopback();
    watch(STDIN_FILENO);
    watch(timer);
    watch(listening);
    struct epoll_event events[MOST_EVENTS];
    for (;;) {
        int found = epoll_wait(events_of, events, MOST_EVENTS, -1);
        for (int number = 0; number < found; number++) {
            int descriptor = events[number].data.fd;
            if (descriptor == STDIN_FILENO) return 0;
            if (descriptor == listening) {
                take_connection(listening);
            } else if (descriptor == timer) {
                answer_waiting();
            } else {
                serve_connection(&events[number]);
            }
        }
    }
}
