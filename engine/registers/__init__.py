"""
Records of registers: what a house keeps beside what runs, such as guests or beds; `deployments.registers` says which.

    records  fill in, change, archive, erase
    rules    what a register asks of them
    rows     what a form accepts for records, and how they are stored
    doubles  two that are one: merged, taken apart again, told apart
    imports  many at once
    files    those of a file, taken by workers: `spreadsheets` reads it, `cells` what people write in it
    lookups  records that are named in forms of process instances
    access   who may read and write which
"""
