/* Upgrades to WebSockets: their heads, read in one pass.

   What is read here comes from strangers. A head is taken as nearly all clients write it, by the
   rules of upgrade_fields in primus.server.upgrade_heads, and never looked at beyond its end. For
   whatever else it may be, the caller is told nothing and asks its parser, so no rule of HTTP is
   relaxed here.

   There is no state, and nothing is kept between calls. */

#include <Python.h>

#include <string.h>

enum {
    MOST = 64,   /* headers: each is compared with those before it */
    CASE = 0x20, /* the bit that letters differ by; digits and hyphens have it always */
    NEEDED = 7   /* one bit for each header that has to be there */
};

typedef struct {
    const char *name;
    Py_ssize_t name_size;
    const char *value;
    Py_ssize_t value_size;
} Field;

static int
is_alphanumeric(char c)
{
    return ('a' <= (c | CASE) && (c | CASE) <= 'z') || ('0' <= c && c <= '9');
}

static int
is_of_target(char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("_!$%&'()*+,./:;=?@~-", c) != NULL);
}

static int
is_of_name(char c)
{
    return is_alphanumeric(c) || c == '-';
}

/* Whether names, or values of letters, are equal but for their case. */
static int
are_alike(const char *one, Py_ssize_t size, const char *other, Py_ssize_t other_size)
{
    Py_ssize_t i;

    if (size != other_size) {
        return 0;
    }
    for (i = 0; i < size; i++) {
        if ((one[i] | CASE) != (other[i] | CASE)) {
            return 0;
        }
    }
    return 1;
}

static int
is_named(const Field *field, const char *name)
{
    return are_alike(field->name, field->name_size, name, (Py_ssize_t)strlen(name));
}

static int
says(const Field *field, const char *value)
{
    return field->value_size == (Py_ssize_t)strlen(value)
           && memcmp(field->value, value, (size_t)field->value_size) == 0;
}

/* Read ``Name: value`` and the end of the line; where the next one begins, or NULL. */
static const char *
read_field(const char *at, const char *end, Field *field)
{
    field->name = at;
    while (at < end && is_of_name(*at)) {
        at++;
    }
    field->name_size = at - field->name;
    if (field->name_size == 0 || end - at < 2 || at[0] != ':' || at[1] != ' ') {
        return NULL;
    }
    at += 2;
    field->value = at;
    while (at < end && ' ' <= *at && *at <= '~') {
        at++;
    }
    field->value_size = at - field->value;
    if (field->value_size == 0 || field->value[0] == ' ' || at[-1] == ' ') {
        return NULL;
    }
    return end - at < 2 || at[0] != '\r' || at[1] != '\n' ? NULL : at + 2;
}

/* The bit of a header that has to be there and says what it should, 0 for a header that may be
   there; -1 for one that needs a closer look. */
static int
judged(const Field *field)
{
    if (is_named(field, "host")) {
        return 1;
    }
    if (is_named(field, "upgrade")) {
        return are_alike(field->value, field->value_size, "websocket", 9) ? 2 : -1;
    }
    if (is_named(field, "connection")) {
        return says(field, "Upgrade") || says(field, "upgrade")
                       || says(field, "keep-alive, Upgrade")
                   ? 4
                   : -1;
    }
    if (is_named(field, "content-length") || is_named(field, "transfer-encoding")
        || is_named(field, "expect") || is_named(field, "sec-websocket-key1")) {
        return -1;
    }
    return 0;
}

/* Read the headers, up to the empty line that ends the head; how many they are, or 0. */
static int
read_fields(const char *at, const char *end, Py_ssize_t most, Field *fields)
{
    int count = 0, found = 0;

    while (end - at != 2 || at[0] != '\r' || at[1] != '\n') {
        Field *field = fields + count;
        int i, bit;

        if (count == MOST || count >= most || (at = read_field(at, end, field)) == NULL) {
            return 0;
        }
        for (i = 0; i < count; i++) {
            if (are_alike(field->name, field->name_size, fields[i].name, fields[i].name_size)) {
                return 0;
            }
        }
        bit = judged(field);
        if (bit < 0) {
            return 0;
        }
        found |= bit;
        count++;
    }
    return found == NEEDED ? count : 0;
}

/* A text, or the one that is shared in its place; NULL with an exception. */
static PyObject *
shared(PyObject *common, const char *text, Py_ssize_t size)
{
    PyObject *own = PyUnicode_DecodeASCII(text, size, NULL), *same;

    if (own == NULL) {
        return NULL;
    }
    same = PyDict_GetItemWithError(common, own);
    if (same != NULL) {
        Py_INCREF(same);
    }
    else if (!PyErr_Occurred()) {
        return own;
    }
    Py_DECREF(own);
    return same;
}

/* A name and its value; NULL with an exception. */
static PyObject *
pair(const Field *field, PyObject *names, PyObject *values)
{
    PyObject *name = shared(names, field->name, field->name_size), *value, *both = NULL;

    if (name == NULL) {
        return NULL;
    }
    value = shared(values, field->value, field->value_size);
    if (value != NULL) {
        both = PyTuple_Pack(2, name, value);
        Py_DECREF(value);
    }
    Py_DECREF(name);
    return both;
}

/* The fields as a list of pairs; NULL with an exception. */
static PyObject *
pairs(const Field *fields, int count, PyObject *names, PyObject *values)
{
    PyObject *list = PyList_New(count);
    int i;

    for (i = 0; list != NULL && i < count; i++) {
        PyObject *both = pair(fields + i, names, values);

        if (both == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SetItem(list, i, both);
    }
    return list;
}

/* Target and headers, which are taken over; NULL with an exception.

   A format with a size would depend on the Python whose headers this is compiled with. */
static PyObject *
with_target(const char *text, Py_ssize_t size, PyObject *headers)
{
    PyObject *target = headers == NULL ? NULL : PyUnicode_DecodeASCII(text, size, NULL);
    PyObject *both = target == NULL ? NULL : PyTuple_Pack(2, target, headers);

    Py_XDECREF(target);
    Py_XDECREF(headers);
    return both;
}

/* What is read of a head; NULL with an exception. */
static PyObject *
read_head(const char *data, Py_ssize_t size, Py_ssize_t most, PyObject *names, PyObject *values)
{
    static const char method[] = "GET ", version[] = " HTTP/1.1\r\n";
    const Py_ssize_t before = sizeof method - 1, behind = sizeof version - 1;
    const char *end = data + size, *target = data + before, *at = target;
    Field fields[MOST];
    int count;

    if (size < before || memcmp(data, method, before) != 0) {
        Py_RETURN_NONE;
    }
    while (at < end && is_of_target(*at)) {
        at++;
    }
    if (at == target || *target != '/' || end - at < behind || memcmp(at, version, behind) != 0) {
        Py_RETURN_NONE;
    }
    count = read_fields(at + behind, end, most, fields);
    if (count == 0) {
        Py_RETURN_NONE;
    }
    return with_target(target, at - target, pairs(fields, count, names, values));
}

PyDoc_STRVAR(upgrade_fields_doc,
"upgrade_fields(data, most, names, values, /)\n--\n\n"
"Target and headers of a head that asks for a WebSocket as most clients do, or None.");

static PyObject *
upgrade_fields(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t most;
    Py_buffer data;
    PyObject *result;

    (void)module;
    if (count != 4 || !PyDict_Check(args[2]) || !PyDict_Check(args[3])) {
        PyErr_SetString(PyExc_TypeError, "upgrade_fields() takes bytes, a number and two dicts");
        return NULL;
    }
    most = PyLong_AsSsize_t(args[1]);
    if (most == -1 && PyErr_Occurred()) {
        return NULL;
    }
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE)) {
        return NULL;
    }
    result = read_head(data.buf, data.len, most, args[2], args[3]);
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef methods[] = {
    {"upgrade_fields", (PyCFunction)(void (*)(void))upgrade_fields, METH_FASTCALL,
     upgrade_fields_doc},
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
    .m_name = "primus_speedups._upgrades",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__upgrades(void)
{
    return PyModuleDef_Init(&definition);
}
