/* Text messages of WebSocket clients: unmasked and decoded, many in one call.

   What is read here comes from strangers. Lengths are compared with what has arrived before a byte
   is looked at, and whatever is not one whole, masked text in a single frame ends the call: control
   frames, fragments, extensions, frames that have arrived in part, invalid UTF-8. The caller judges
   these as it would without this module, so no rule of the protocol is written here.

   There is no state, and nothing is kept between calls. */

#include <Python.h>

#include <stdint.h>
#include <string.h>

enum {
    FINAL_TEXT = 0x81, /* FIN, no extension, opcode 1 (RFC 6455 section 5.2) */
    MASKED = 0x80,
    LENGTH = 0x7F,
    TWO_BYTES = 126, /* the length stands in the two bytes that follow */
    EIGHT_BYTES = 127,
    KEY = 4,
    SMALL = 1024 /* a payload of so many bytes is unmasked on the stack */
};

typedef struct {
    const uint8_t *key; /* the payload follows its key */
    Py_ssize_t size;    /* of the payload: 65,535 at most */
} Frame;

/* The length of the frame at the beginning of `data`, which has `left` bytes; 0 when that is not a
   whole text of at most `longest` bytes. */
static Py_ssize_t
find_text(const uint8_t *data, Py_ssize_t left, Py_ssize_t longest, Frame *frame)
{
    Py_ssize_t head = 2, size;

    if (left < head + KEY || data[0] != FINAL_TEXT || !(data[1] & MASKED)) {
        return 0;
    }
    size = data[1] & LENGTH;
    if (size == EIGHT_BYTES) {
        return 0;
    }
    if (size == TWO_BYTES) {
        head = 4; /* these bytes are there: a shorter head with its key is as long */
        size = (Py_ssize_t)data[2] << 8 | data[3];
    }
    if (size > longest || size > left - head - KEY) {
        return 0;
    }
    frame->key = data + head;
    frame->size = size;
    return head + KEY + size;
}

/* Write the payload of a frame to `plain`, which has room for it. */
static void
unmask(const Frame *frame, uint8_t *plain)
{
    const uint8_t *masked = frame->key + KEY;
    Py_ssize_t at = 0;
    uint8_t twice[2 * KEY];
    uint64_t keys, word;

    memcpy(twice, frame->key, KEY);
    memcpy(twice + KEY, frame->key, KEY);
    memcpy(&keys, twice, sizeof keys);
    for (; frame->size - at >= (Py_ssize_t)sizeof word; at += (Py_ssize_t)sizeof word) {
        memcpy(&word, masked + at, sizeof word);
        word ^= keys;
        memcpy(plain + at, &word, sizeof word);
    }
    for (; at < frame->size; at++) {
        plain[at] = masked[at] ^ frame->key[at % KEY];
    }
}

/* The text of a frame, or NULL with an exception. */
static PyObject *
decoded(const Frame *frame)
{
    uint8_t small[SMALL], *plain = small;
    PyObject *text;

    if (frame->size > SMALL) {
        plain = PyMem_Malloc((size_t)frame->size);
        if (plain == NULL) {
            return PyErr_NoMemory();
        }
    }
    unmask(frame, plain);
    text = PyUnicode_DecodeUTF8((const char *)plain, frame->size, NULL);
    if (plain != small) {
        PyMem_Free(plain);
    }
    return text;
}

/* Append the texts of `data` from `at` on to a list; where the first other thing begins, or -1 with
   an exception. */
static Py_ssize_t
append_texts(PyObject *texts, const uint8_t *data, Py_ssize_t at, Py_ssize_t stop,
             Py_ssize_t longest, Py_ssize_t most)
{
    Frame frame;
    Py_ssize_t length;

    for (; most > 0; most--) {
        PyObject *text;
        int failed;

        length = find_text(data + at, stop - at, longest, &frame);
        if (length == 0) {
            break;
        }
        text = decoded(&frame);
        if (text == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
                return -1;
            }
            PyErr_Clear();
            break;
        }
        failed = PyList_Append(texts, text);
        Py_DECREF(text);
        if (failed) {
            return -1;
        }
        at += length;
    }
    return at;
}

PyDoc_STRVAR(read_texts_doc,
"read_texts(data, at, stop, longest, most, /)\n--\n\n"
"The texts that begin at `at`, and where the first other thing begins.");

static PyObject *
read_texts(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t numbers[4], at, stop;
    Py_buffer data;
    PyObject *texts, *result = NULL;
    int i;

    (void)module;
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "read_texts() takes 5 arguments");
        return NULL;
    }
    for (i = 0; i < 4; i++) {
        numbers[i] = PyLong_AsSsize_t(args[i + 1]);
        if (numbers[i] == -1 && PyErr_Occurred()) {
            return NULL;
        }
    }
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE)) {
        return NULL;
    }
    at = numbers[0];
    stop = numbers[1];
    if (at < 0 || at > stop || stop > data.len) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "0 <= at <= stop <= len(data) does not hold");
        return NULL;
    }
    texts = PyList_New(0);
    if (texts != NULL) {
        at = append_texts(texts, data.buf, at, stop, numbers[2], numbers[3]);
        if (at >= 0) {
            result = Py_BuildValue("(On)", texts, at);
        }
        Py_DECREF(texts);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef methods[] = {
    {"read_texts", (PyCFunction)(void (*)(void))read_texts, METH_FASTCALL, read_texts_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "primus_speedups._texts",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__texts(void)
{
    return PyModuleDef_Init(&definition);
}
